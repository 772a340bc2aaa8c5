/**
 * The dynamic loader that an executable asks for; undefined where it needs none, being static or no 64-bit ELF file of
 * this machine's byte order at all.
 */
export declare function interpreterOf(path: string): string | undefined;
