import { closeSync, openSync, readSync } from 'node:fs';

const HEADER_SIZE = 64; // of a 64-bit ELF file: elf(5), Elf64_Ehdr
const SEGMENT_SIZE = 56; // Elf64_Phdr
const PT_INTERP = 3;

/**
 * The dynamic loader of an executable; undefined if it needs none, because it is static or not a 64-bit ELF file of
 * this machine's byte order.
 */
export function interpreterOf(path: string): string | undefined {
  const fd = openSync(path, 'r');
  try {
    const read = (at: number, size: number) => {
      const buffer = Buffer.alloc(size);
      return buffer.subarray(0, readSync(fd, buffer, 0, size, at));
    };
    const header = read(0, HEADER_SIZE);
    // 2: 64 bits; 1: little endian. foster does not run on other machines.
    if (header.length < HEADER_SIZE || header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
      return undefined;
    const start = Number(header.readBigUInt64LE(32));
    const segments = read(start, header.readUInt16LE(56) * SEGMENT_SIZE);
    for (let at = 0; at + SEGMENT_SIZE <= segments.length; at += SEGMENT_SIZE) {
      if (segments.readUInt32LE(at) !== PT_INTERP) continue;
      const size = Math.min(Number(segments.readBigUInt64LE(at + 32)), 4096);
      const text = read(Number(segments.readBigUInt64LE(at + 8)), size).toString();
      return text.replace(/\0.*$/s, '');
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
