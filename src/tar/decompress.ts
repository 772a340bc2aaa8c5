import { spawn } from 'node:child_process';
import type { Readable, Transform, Writable } from 'node:stream';
import zlib from 'node:zlib';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { type ArchiveCompression, archiveCompressionOf, MAGIC_SIZE } from './compression.js';
import { peek } from './peek.js';

/** Missing in @types/node for the oldest supported Node. */
interface WithZstd {
  createZstdDecompress?(options: { chunkSize: number }): Transform;
}

const PIECE = 1024 * 1024;

/**
 * The uncompressed content of a stream, which may be compressed in any known format.
 * @throws FosterError while it is read, if it is corrupt or truncated
 */
export async function* decompress(input: Readable): AsyncGenerator<Buffer> {
  const { start, all } = await peek(input[Symbol.asyncIterator]() as AsyncIterator<Buffer>, MAGIC_SIZE);
  if (start.length === 0) throw new FosterError('it is empty');
  const compression = archiveCompressionOf(start);
  if (compression === 'none') {
    yield* all;
    return;
  }
  const unzip = startUnzip(compression);
  unzip.input.on('error', () => {}); // EPIPE: the other end reports why
  const feed = async () => {
    for await (const piece of all) {
      if (unzip.input.destroyed) return;
      if (!unzip.input.write(piece)) await drained(unzip.input);
    }
    unzip.input.end();
  };
  feed().catch((error) => unzip.output.destroy(error));
  try {
    yield* unzip.output as AsyncIterable<Buffer>;
    await unzip.ended;
  } catch (error) {
    throw explainError(error);
  } finally {
    unzip.output.destroy();
    unzip.input.destroy();
  }
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

interface Unzip {
  input: Writable;
  output: Readable;
  /** Rejects if the program fails. */
  ended: Promise<void>;
}

/** Programs for formats that Node does not support, and their packages. */
const PROGRAMS: Readonly<Record<'zstd' | 'xz' | 'bzip2', { args: string[]; packageName: string }>> = {
  zstd: { args: ['-dcq', '--no-progress'], packageName: 'zstd' },
  xz: { args: ['-dcq'], packageName: 'xz-utils' },
  bzip2: { args: ['-dcq'], packageName: 'bzip2' },
};

/** Uses Node if it can (zstd: 22.15), else zstd(1), xz(1) or bzip2(1). */
function startUnzip(compression: Exclude<ArchiveCompression, 'none'>): Unzip {
  const { createZstdDecompress } = zlib as WithZstd;
  if (compression === 'gzip' || (compression === 'zstd' && createZstdDecompress !== undefined)) {
    const options = { chunkSize: PIECE };
    const both = compression === 'gzip' ? zlib.createGunzip(options) : createZstdDecompress?.(options);
    return { input: both as Transform, output: both as Transform, ended: Promise.resolve() };
  }
  const { args, packageName } = PROGRAMS[compression];
  const child = spawn(compression, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((done, fail) => {
    child.on('error', () => {
      fail(
        new FosterError(
          `it is compressed with ${compression}, and the program ${compression} is not installed`,
          {
            advice: `install it: apt-get install ${packageName}`,
          },
        ),
      );
    });
    child.on('close', (code) => {
      if (code === 0 || code === null) done();
      else fail(new FosterError('the compressed file is corrupt or truncated'));
    });
  });
  ended.catch(() => {}); // reported when everything is read
  return { input: child.stdin, output: child.stdout, ended };
}

function explainError(error: unknown): unknown {
  const code = errnoOf(error) ?? '';
  if (code === 'Z_BUF_ERROR') return new FosterError('the compressed file is truncated');
  if (!/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) return error;
  return new FosterError('the compressed file is corrupt');
}
