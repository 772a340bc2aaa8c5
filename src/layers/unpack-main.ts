import { createHash } from 'node:crypto';
import { createReadStream, readSync } from 'node:fs';
import type { Readable, Transform } from 'node:stream';
import zlib from 'node:zlib';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { TarReader } from '../tar/reader.js';
import type { Failure } from '../worker/protocol.js';
import { runWorker } from '../worker/run-worker.js';
import { enterDirectory } from '../worker/view.js';
import { TreeWriter } from './tree-writer.js';
import type { UnpackOrder, UnpackResult } from './unpack-protocol.js';

/**
 * The unpacker: runs in a user namespace with the container's id maps, so that it can give files to any of those ids;
 * makes the tree its root directory, so that nothing outside has a path; and reads the archive from its standard input.
 */
async function unpack(order: UnpackOrder): Promise<UnpackResult> {
  enterDirectory(order.tree);
  const writer = new TreeWriter(order);
  const reader = new TarReader(writer);
  const hash = order.isLayer ? createHash('sha256') : undefined;
  let total = 0;
  const take = (piece: Buffer) => {
    total += piece.length;
    if (total > order.maxSize) throw tooLarge(order.maxSize);
    hash?.update(piece);
    reader.push(piece);
    if (total + writer.holes > order.maxSize) throw tooLarge(order.maxSize);
  };
  if (order.compression === 'none') readPlain(take);
  else for await (const piece of readCompressed(order.compression) as AsyncIterable<Buffer>) take(piece);
  if (!(order.isLayer && reader.isEmpty)) reader.end();
  writer.finish();
  const digest = hash && `sha256:${hash.digest('hex')}`;
  return { written: writer.written, size: total, ...(digest !== undefined && { digest }) };
}

/** Standard input. */
const ARCHIVE = 0;
const PIECE = 1024 * 1024;

/** Missing in @types/node for the oldest supported Node. */
interface WithZstd {
  createZstdDecompress(options: { chunkSize: number }): Transform;
}

function readPlain(take: (piece: Buffer) => void): void {
  const buffer = Buffer.alloc(PIECE);
  for (;;) {
    const size = readSync(ARCHIVE, buffer);
    if (size === 0) return;
    take(buffer.subarray(0, size));
  }
}

function readCompressed(compression: 'gzip' | 'zstd'): Readable {
  const input = createReadStream('', { fd: ARCHIVE, highWaterMark: PIECE });
  const options = { chunkSize: PIECE };
  const unzip =
    compression === 'gzip'
      ? zlib.createGunzip(options)
      : (zlib as unknown as WithZstd).createZstdDecompress(options);
  input.on('error', (error) => unzip.destroy(error));
  return input.pipe(unzip);
}

function tooLarge(limit: number): FosterError {
  return new FosterError(`the tar archive unpacks to more than ${limit} bytes`, {
    advice: 'raise --max-unpacked-size if you trust it',
  });
}

function explain(error: unknown): Failure | undefined {
  const code = errnoOf(error) ?? '';
  if (code === 'Z_BUF_ERROR') return { error: 'the compressed file is truncated' };
  if (code.startsWith('Z_') || code.startsWith('ERR_ZSTD') || code.startsWith('ZSTD_'))
    return { error: 'the compressed file is corrupt' };
  return undefined;
}

runWorker({ open: (order: UnpackOrder) => order, work: unpack, explain });
