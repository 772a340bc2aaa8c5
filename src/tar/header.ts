/** Reads the fields of a tar header: tar(5), "POSIX ustar Archives" and "GNU tar archives". */

export const BLOCK = 512;

/** The fields that foster uses. A number is undefined if its field is empty, NaN if it is invalid. */
export interface TarHeader {
  /** Bytes as latin1, like all names. */
  name: string;
  target: string;
  /** The type flag: one character. */
  flag: string;
  mode: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  /** Bytes of data that follow. */
  size: number | undefined;
  /** Seconds since 1970. */
  mtime: number | undefined;
  /** Whether the fields after 257 are in GNU tar's format. */
  isGnu: boolean;
}

/** @returns undefined if the checksum is wrong, so that it is not a header */
export function readTarHeader(block: Buffer, at: number): TarHeader | undefined {
  if (checksum(block, at) !== readNumber(block, at + 148, 8)) return undefined;
  const magic = block.toString('latin1', at + 257, at + 263);
  return {
    name: nameOf(block, at, magic),
    target: readText(block, at + 157, 100),
    flag: String.fromCharCode(block[at + 156] as number),
    mode: readNumber(block, at + 100, 8),
    uid: readNumber(block, at + 108, 8),
    gid: readNumber(block, at + 116, 8),
    size: readNumber(block, at + 124, 12),
    mtime: readNumber(block, at + 136, 12),
    isGnu: magic === 'ustar ',
  };
}

/** The sum of all bytes, with those of the checksum itself counted as spaces. */
function checksum(block: Buffer, at: number): number {
  let sum = 8 * 0x20;
  for (let i = at; i < at + 148; i++) sum += block[i] as number;
  for (let i = at + 156; i < at + BLOCK; i++) sum += block[i] as number;
  return sum;
}

const SPACE = 0x20;
const ZERO = 0x30;

/**
 * A number in a header: octal digits or, since GNU tar 1.13, a big-endian binary number marked by its highest bit.
 * @returns undefined for an empty field, NaN for an invalid one
 */
export function readNumber(block: Buffer, at: number, size: number): number | undefined {
  const end = at + size;
  const first = block[at] as number;
  if (first & 0x80) return readBinary(block, at, end);
  let from = at;
  while (from < end && block[from] === SPACE) from++;
  let value = 0;
  let i = from;
  for (; i < end; i++) {
    const byte = block[i] as number;
    if (byte === SPACE || byte === 0) break;
    if (byte < ZERO || byte > ZERO + 7) return Number.NaN;
    value = value * 8 + byte - ZERO;
  }
  return i === from ? undefined : value;
}

function readBinary(block: Buffer, at: number, end: number): number {
  const first = block[at] as number;
  const isNegative = (first & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = (first ^ flip) & 0x3f;
  for (let i = at + 1; i < end; i++) value = value * 256 + ((block[i] as number) ^ flip);
  if (!Number.isSafeInteger(value)) return Number.NaN;
  return isNegative ? -value - 1 : value;
}

/** Up to the first NUL byte. */
export function readText(block: Buffer, at: number, size: number): string {
  let end = at;
  while (end < at + size && block[end] !== 0) end++;
  return block.toString('latin1', at, end);
}

/** POSIX splits a name of more than 100 bytes in two; GNU uses the second field for other things. */
function nameOf(block: Buffer, at: number, magic: string): string {
  const name = readText(block, at, 100);
  if (magic !== 'ustar\0' || block[at + 345] === 0) return name;
  return `${readText(block, at + 345, block[at + 475] === 0 ? 130 : 155)}/${name}`;
}

export function isZeroBlock(block: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}
