import { createHash } from 'node:crypto';
import { createReadStream, readSync, writeSync } from 'node:fs';
import type { Readable, Transform } from 'node:stream';
import zlib from 'node:zlib';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { setParentDeathSignal } from '../sys/libc.js';
import { TarReader } from '../tar/reader.js';
import { enterDirectory } from '../worker/view.js';
import { UNPACK_FD, type UnpackOrder, type UnpackReport } from './unpack-protocol.js';
import { TreeWriter } from './writer.js';

/**
 * The program that unpacks: started in a user namespace with the container's id maps, so that it may give files to any
 * of those ids, it makes the tree its root directory, so that nothing outside can even be named, and reads the archive
 * from its standard input.
 */
async function unpack(order: UnpackOrder): Promise<UnpackReport> {
  if (readSync(UNPACK_FD.control, Buffer.alloc(1)) === 0) process.exit(1); // nobody is there to map our ids
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (!order.hasOneOwner) process.setgroups?.([]);
  process.setuid?.(0);
  setParentDeathSignal(9); // a change of ids has cleared it
  process.umask(0);
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

const PIECE = 1024 * 1024;

/** What @types/node of our oldest Node lacks. */
interface WithZstd {
  createZstdDecompress(options: { chunkSize: number }): Transform;
}

function readPlain(take: (piece: Buffer) => void): void {
  const buffer = Buffer.alloc(PIECE);
  for (;;) {
    const size = readSync(UNPACK_FD.archive, buffer);
    if (size === 0) return;
    take(buffer.subarray(0, size));
  }
}

function readCompressed(compression: 'gzip' | 'zstd'): Readable {
  const input = createReadStream('', { fd: UNPACK_FD.archive, highWaterMark: PIECE });
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

function toReport(error: unknown): UnpackReport {
  if (error instanceof FosterError) {
    return { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) };
  }
  const code = errnoOf(error) ?? '';
  if (code === 'Z_BUF_ERROR') return { error: 'the compressed file is truncated' };
  if (code.startsWith('Z_') || code.startsWith('ERR_ZSTD') || code.startsWith('ZSTD_')) {
    return { error: 'the compressed file is corrupt' };
  }
  return { error: `the unpacker failed: ${error instanceof Error ? error.message : String(error)}` };
}

async function main(): Promise<void> {
  // Ctrl-C reaches all processes of the terminal. foster itself ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  let report: UnpackReport;
  try {
    report = await unpack(JSON.parse(process.argv[2] ?? '') as UnpackOrder);
  } catch (error) {
    report = toReport(error);
  }
  writeSync(UNPACK_FD.report, JSON.stringify(report));
  process.exit(0);
}

main();
