import type { Transform } from 'node:stream';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { Compression } from '../compression.js';
import { type Fill, fetchedAhead, PIECE } from './ahead.js';
import type { InflateEngine } from './engine.js';
import { Gunzip } from './gunzip.js';

/**
 * The uncompressed content of an archive. A piece is valid until the next one.
 * @param engine the library for gzip; undefined if Node's streams have to do it
 * @param read reads the archive
 * @param close called when nothing more will be read
 * @throws FosterError, or an error of node:zlib, if it is corrupt or truncated
 */
export function uncompressed(
  compression: Compression,
  engine: InflateEngine | undefined,
  read: Fill,
  close: () => void,
): AsyncIterable<Buffer> {
  if (compression === 'none') return fetchedAhead(read, close);
  if (compression === 'zstd' || engine === undefined)
    return throughStream(compression, fetchedAhead(read, close));
  const gunzip = new Gunzip(engine, read);
  const fill = (buffer: Buffer) => gunzip.fill(buffer);
  return fetchedAhead(fill, () => {
    gunzip.free();
    close();
  });
}

/** Missing in @types/node for the oldest supported Node. */
interface WithZstd {
  createZstdDecompress(options: { chunkSize: number }): Transform;
}

function throughStream(
  compression: Exclude<Compression, 'none'>,
  pieces: AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  const input = Readable.from(copied(pieces));
  const options = { chunkSize: PIECE };
  const unzip =
    compression === 'gzip'
      ? zlib.createGunzip(options)
      : (zlib as unknown as WithZstd).createZstdDecompress(options);
  input.on('error', (error) => unzip.destroy(error));
  unzip.on('close', () => input.destroy());
  return input.pipe(unzip);
}

/** A stream may take the next piece before it has done with the one before. */
async function* copied(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
