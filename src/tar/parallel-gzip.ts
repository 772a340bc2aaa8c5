import { promisify } from 'node:util';
import zlib from 'node:zlib';

const BLOCK = 1024 * 1024;
/** How many blocks are compressed at the same time: libuv has four threads for it. */
const PARALLEL_BLOCKS = 4;
/** Takes half the time of zlib's default, 6, and three quarters of that of 4, for 6 and 4 % more bytes of a Debian tree. */
const LEVEL = 2;

const gzip = promisify(zlib.gzip);

/**
 * Compresses with several threads: each block becomes a separate gzip member (RFC 1952, 2.2: a file is a series of
 * members). The same input gives the same bytes, with the same version of zlib.
 */
export async function* parallelGzip(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const running: Promise<Buffer>[] = [];
  for (const block of inBlocks(pieces)) {
    running.push(gzip(block, { level: LEVEL }));
    if (running.length >= PARALLEL_BLOCKS) yield await (running.shift() as Promise<Buffer>);
  }
  for (const member of running) yield await member;
}

function* inBlocks(pieces: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    size += piece.length;
    if (size < BLOCK) continue;
    yield Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}
