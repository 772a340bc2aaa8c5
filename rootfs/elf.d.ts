/**
 * The dynamic loader of an executable; undefined if it needs none, because it is static or not a 64-bit ELF file of
 * this machine's byte order.
 */
export declare function interpreterOf(path: string): string | undefined;
