import { closeSync, createReadStream, readSync } from 'node:fs';
import { FosterError } from '../../sys/errors.js';
import { type ArchiveCompression, archiveCompressionOf } from '../../tar/compression.js';
import { decompressed } from '../../tar/decompress.js';

const BLOCK = 512;

/**
 * How a file is compressed, if it is a tar archive: what ADD unpacks.
 * @param open opens it anew; undefined where it is no regular file
 * @throws FosterError
 */
export async function archiveKind(open: () => number | undefined): Promise<ArchiveCompression | undefined> {
  const fd = open();
  if (fd === undefined) return undefined;
  let head = Buffer.alloc(BLOCK);
  try {
    head = head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
  if (isTarHeader(head)) return 'none';
  const compression = isOfKnownKind(head) ? archiveCompressionOf(head) : 'none';
  if (compression === 'none') return undefined;
  const again = open();
  return again !== undefined && isTarHeader(await firstBlock(again)) ? compression : undefined;
}

/** Others may well be archives that nobody would unpack here: a zip file is copied. */
function isOfKnownKind(head: Buffer): boolean {
  try {
    archiveCompressionOf(head);
    return true;
  } catch {
    return false;
  }
}

/** Of the content of a compressed file; less where that is shorter, or no such file in truth. Closes it. */
async function firstBlock(fd: number): Promise<Buffer> {
  let block = Buffer.alloc(0);
  try {
    for await (const piece of decompressed(createReadStream('', { fd }))) {
      block = Buffer.concat([block, piece]);
      if (block.length >= BLOCK) break;
    }
  } catch (error) {
    if (error instanceof FosterError && error.advice !== undefined) throw error; // a program is missing
    return Buffer.alloc(0);
  }
  return block;
}

/** Whether a file that begins so is a tar archive. */
export function isTarHeader(block: Buffer): boolean {
  return block.length >= BLOCK && block.toString('latin1', 257, 262) === 'ustar';
}
