import { closeSync, createReadStream, readSync } from 'node:fs';
import { FosterError } from '../../sys/errors.js';
import { type ArchiveCompression, archiveCompressionOf } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';

const BLOCK = 512;

/**
 * How a file is compressed, if it is a tar archive that ADD unpacks.
 * @param open opens the file each time; undefined if it is not a regular file
 * @throws FosterError
 */
export async function archiveCompression(
  open: () => number | undefined,
): Promise<ArchiveCompression | undefined> {
  const fd = open();
  if (fd === undefined) return undefined;
  let head = Buffer.alloc(BLOCK);
  try {
    head = head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
  if (isTarHeader(head)) return 'none';
  const compression = isKnownCompression(head) ? archiveCompressionOf(head) : 'none';
  if (compression === 'none') return undefined;
  const again = open();
  return again !== undefined && isTarHeader(await firstBlock(again)) ? compression : undefined;
}

/** Other archives are not unpacked: a zip file is copied. */
function isKnownCompression(head: Buffer): boolean {
  try {
    archiveCompressionOf(head);
    return true;
  } catch {
    return false;
  }
}

/** The first block of a compressed file's content; less if it is shorter or invalid. Closes the descriptor. */
async function firstBlock(fd: number): Promise<Buffer> {
  let block = Buffer.alloc(0);
  try {
    for await (const piece of decompress(createReadStream('', { fd }))) {
      block = Buffer.concat([block, piece]);
      if (block.length >= BLOCK) break;
    }
  } catch (error) {
    if (error instanceof FosterError && error.advice !== undefined) throw error; // a program is missing
    return Buffer.alloc(0);
  }
  return block;
}

/** Whether it is the first block of a tar archive. */
export function isTarHeader(block: Buffer): boolean {
  return block.length >= BLOCK && block.toString('latin1', 257, 262) === 'ustar';
}
