import type { Transform } from 'node:stream';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { FosterError } from '../sys/errors.js';
import { Sha256 } from '../sys/sha256.js';
import type { Compression } from '../tar/compression.js';
import { type Fill, fetchedAhead, PIECE } from '../tar/inflate/ahead.js';
import type { InflateEngine } from '../tar/inflate/engine.js';
import { Gunzip } from '../tar/inflate/gunzip.js';
import { TarReader } from '../tar/reader.js';
import { TreeWriter } from './tree-writer.js';
import type { ArchiveOrder, UnpackResult } from './unpack-protocol.js';

export interface Unpacking {
  order: ArchiveOrder;
  hasOneOwner: boolean;
  /** The library for gzip. */
  engine: InflateEngine | undefined;
  /** Reads the archive as it is stored. */
  read: Fill;
  /** Called when nothing more will be read. */
  close(): void;
  /** Does something while the tree is the root directory of this process. */
  inTree<T>(work: () => T): T;
}

/**
 * Unpacks an archive. Inflating, hashing and writing are done by different threads: while a piece is written here, it is
 * hashed, and the next one is inflated.
 */
export async function unpackArchive(unpacking: Unpacking): Promise<UnpackResult> {
  const { order, hasOneOwner, inTree } = unpacking;
  const writer = inTree(() => new TreeWriter({ ...order, hasOneOwner }));
  const reader = new TarReader(writer);
  const hash = order.isLayer ? new Sha256() : undefined;
  let total = 0;
  const take = (piece: Buffer) => {
    reader.push(piece);
    if (total + writer.holes > order.maxSize) throw tooLarge(order.maxSize);
  };
  try {
    for await (const piece of uncompressed(unpacking)) {
      total += piece.length;
      if (total > order.maxSize) throw tooLarge(order.maxSize);
      const hashed = hash?.update(piece);
      try {
        inTree(() => take(piece));
      } finally {
        await hashed;
      }
    }
    if (!(order.isLayer && reader.isEmpty)) reader.end();
    inTree(() => writer.finish());
  } finally {
    writer.close();
  }
  const digest = hash?.digest();
  return { written: writer.written, size: total, ...(digest !== undefined && { digest }) };
}

function tooLarge(limit: number): FosterError {
  return new FosterError(`the tar archive unpacks to more than ${limit} bytes`, {
    advice: 'raise --max-unpacked-size if you trust it',
  });
}

function uncompressed({ order, engine, read, close }: Unpacking): AsyncIterable<Buffer> {
  const { compression } = order;
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
  return input.pipe(unzip);
}

/** A stream may take the next piece before it has done with the one before. */
async function* copied(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
