import { FosterError } from '../sys/errors.js';
import { Sha256 } from '../sys/sha256.js';
import type { Fill } from '../tar/inflate/ahead.js';
import type { InflateEngine } from '../tar/inflate/engine.js';
import { uncompressed } from '../tar/inflate/uncompressed.js';
import { TarReader } from '../tar/reader.js';
import { EarlyFlush } from './early-flush.js';
import { TreeWriter } from './tree-writer.js';
import type { ArchiveOrder, UnpackResult } from './unpack-protocol.js';

export interface Unpacking {
  order: ArchiveOrder;
  hasOneOwner: boolean;
  /** The library for gzip; undefined if Node's streams have to do it. */
  engine: InflateEngine | undefined;
  /** Reads the archive as it is stored. */
  read: Fill;
  /** Called when nothing more will be read. */
  close(): void;
  /** Descriptor of the tree. */
  tree: number;
  /** Does something while the tree is the root directory of this process. */
  inTree<T>(work: () => T): T;
}

/**
 * Unpacks an archive. Inflating, hashing and writing are done by different threads: while a piece is written here, it is
 * hashed, and the next one is inflated.
 */
export async function unpackArchive(unpacking: Unpacking): Promise<UnpackResult> {
  const { order, hasOneOwner, engine, read, close, tree, inTree } = unpacking;
  const writer = inTree(() => new TreeWriter({ ...order, hasOneOwner }));
  const reader = new TarReader(writer);
  const hash = order.isLayer ? new Sha256() : undefined;
  const flush = new EarlyFlush(tree);
  let total = 0;
  const take = (piece: Buffer) => {
    reader.push(piece);
    if (total + writer.holes > order.maxSize) throw tooLarge(order.maxSize);
  };
  try {
    for await (const piece of uncompressed(order.compression, engine, read, close)) {
      total += piece.length;
      if (total > order.maxSize) throw tooLarge(order.maxSize);
      const hashed = hash?.update(piece);
      try {
        inTree(() => take(piece));
      } finally {
        await hashed;
      }
      flush.wrote(piece.length);
    }
    if (!(order.isLayer && reader.isEmpty)) reader.end();
    inTree(() => writer.finish());
  } finally {
    await flush.end();
    writer.close();
  }
  flush.check();
  const digest = hash?.digest();
  return { written: writer.written, size: total, ...(digest !== undefined && { digest }) };
}

function tooLarge(limit: number): FosterError {
  return new FosterError(`the tar archive unpacks to more than ${limit} bytes`, {
    advice: 'raise --max-unpacked-size if you trust it',
  });
}
