import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import zlib from 'node:zlib';
import type { IdMaps } from '../spec/id-maps.js';
import { hasOneOwner } from '../spec/id-maps.js';
import type { FosterError } from '../sys/errors.js';
import { pipe, setPipeSize } from '../sys/libc.js';
import type { Compression } from '../tar/compression.js';
import { type RunningWorker, startWorker } from '../worker/start-worker.js';
import type { UnpackOrder, UnpackReport, UnpackResult } from './unpack-protocol.js';

/** A running unpacker. */
export interface Unpacking {
  /** Receives the archive in the given compression. `report` explains its errors better. */
  input: Writable;
  /** Resolves when the tree is finished or the unpacker has failed; never rejects. */
  report: Promise<UnpackReport>;
  /** Kills it. What it has written stays. */
  kill(): void;
}

export interface UnpackOptions {
  /** Id maps of the container, whose ids own the files. */
  maps: IdMaps;
  /** Limit for the size of the uncompressed archive, in bytes. No limit by default. */
  maxUnpackedSize?: number;
  /** Whether it is a layer of an image, not a complete root filesystem. */
  isLayer?: boolean;
  /** Whether files that are in the directory already stay, unless the archive has one of that name. */
  merges?: boolean;
}

/**
 * Starts the unpacker (unpack-main.ts) in a user namespace with the container's id maps. It starts reading after about
 * 50 ms.
 * @param file descriptor of the archive if it is a regular file: then `input` is not used
 * @throws FosterError if no user namespace can be created
 */
export function startUnpacker(
  tree: string,
  compression: Compression,
  { maps, maxUnpackedSize, isLayer = false, merges = false }: UnpackOptions,
  file?: number,
): Unpacking {
  const isByProgram = compression === 'zstd' && !('createZstdDecompress' in zlib);
  const order: UnpackOrder = {
    tree,
    compression: isByProgram ? 'none' : compression,
    hasOneOwner: hasOneOwner(maps),
    maxSize: maxUnpackedSize ?? Number.MAX_SAFE_INTEGER,
    isLayer,
    ...(merges && { merges }),
  };
  // The unpacker reads the archive itself, a pipe from this process, or a pipe from zstd.
  const piped = file === undefined || isByProgram ? largePipe() : undefined;
  let worker: RunningWorker<UnpackResult>;
  try {
    worker = startWorker({
      program: 'unpack-main',
      name: 'foster-unpack',
      title: 'the unpacker',
      order,
      maps,
      input: piped?.[0] ?? file,
    });
  } catch (error) {
    if (piped !== undefined) closeSync(piped[1]);
    throw error;
  } finally {
    if (piped !== undefined) closeSync(piped[0]);
  }
  const zstd = isByProgram && piped !== undefined ? startZstd(file ?? 'pipe', piped[1]) : undefined;
  const input = inputOf(zstd, piped?.[1]);
  if (zstd !== undefined && piped !== undefined) closeSync(piped[1]);
  const finished = worker
    .result()
    .catch(
      (error: FosterError): UnpackReport => ({
        error: error.message,
        ...(error.advice !== undefined && { advice: error.advice }),
      }),
    )
    .finally(() => input.destroy());
  return {
    input,
    report: zstd === undefined ? finished : afterZstd(zstd, finished),
    kill() {
      zstd?.kill('SIGKILL');
      worker.kill();
    },
  };
}

/** The stream that the archive is written to, if the unpacker does not read the file itself. */
function inputOf(zstd: ChildProcess | undefined, fd: number | undefined): Writable {
  const input =
    zstd?.stdin ??
    (zstd === undefined && fd !== undefined
      ? new Socket({ fd, readable: false, writable: true })
      : new Writable({ write: (_piece, _encoding, done) => done() }));
  input.on('error', () => {}); // EPIPE: the unpacker reports why
  return input;
}

/** A pipe that takes a whole piece at once: pipe(7), "Pipe capacity". */
function largePipe(): [number, number] {
  const ends = pipe();
  setPipeSize(ends[1], 1024 * 1024);
  return ends;
}

/** zstd(1), because Node supports zstd only since 22.15. */
function startZstd(input: number | 'pipe', output: number): ChildProcess & { complaint: () => string } {
  const child = spawn('zstd', ['-dcq', '--no-progress'], { stdio: [input, output, 'pipe'] });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(0, 1000);
  });
  return Object.assign(child, { complaint: () => complaint });
}

/** To the unpacker, a corrupt zstd file looks like a truncated archive. */
async function afterZstd(
  zstd: ReturnType<typeof startZstd>,
  finished: Promise<UnpackReport>,
): Promise<UnpackReport> {
  const ended = new Promise<number | undefined>((done) => {
    zstd.on('error', () => done(undefined));
    zstd.on('close', (code) => done(code ?? 0)); // null: killed by this process, or by SIGPIPE
  });
  const report = await finished;
  const code = await ended;
  if (code === undefined) {
    return {
      error: 'zstd is not installed, and this version of Node does not support it',
      advice: 'apt-get install zstd',
    };
  }
  if (code === 0) return report;
  const why = zstd.complaint().trim().split('\n').at(-1)?.replace(/^.*: /, '') ?? '';
  return { error: `the compressed file is corrupt or truncated (${why})` };
}
