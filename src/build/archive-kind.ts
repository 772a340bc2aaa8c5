import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { FosterError } from '../errors.js';
import { type ArchiveCompression, archiveCompressionOf } from '../image/compression.js';
import { decompressed } from '../image/decompress.js';

const BLOCK = 512;

/** How a file is compressed, if it is a tar archive: what ADD unpacks. @throws FosterError */
export async function archiveKind(path: string): Promise<ArchiveCompression | undefined> {
  const fd = openSync(path, 'r');
  let head = Buffer.alloc(BLOCK);
  try {
    head = head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
  if (isTarHeader(head)) return 'none';
  const compression = isOfKnownKind(head) ? archiveCompressionOf(head) : 'none';
  if (compression === 'none') return undefined;
  return isTarHeader(await firstBlock(path)) ? compression : undefined;
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

/** Of the content of a compressed file; less where that is shorter, or no such file in truth. */
async function firstBlock(path: string): Promise<Buffer> {
  let block = Buffer.alloc(0);
  try {
    for await (const piece of decompressed(createReadStream(path))) {
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
