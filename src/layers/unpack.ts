import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import zlib from 'node:zlib';
import { hasOneOwner } from '../init/id-maps.js';
import type { IdMapping, IdMaps } from '../spec/id-maps.js';
import { pipe, setPipeSize, takeMemoryFile, waitForChild } from '../sys/libc.js';
import type { Compression } from '../tar/compression.js';
import { howItEnded, type Reporter, readReport, startReporter } from '../worker/node-program.js';
import type { UnpackOrder, UnpackReport } from './unpack-protocol.js';

/** An unpacker at work. */
export interface Unpacking {
  /** Takes the archive, as compressed as it was said to be. An error of it tells less than `report`. */
  input: Writable;
  /** Comes when the tree is finished, or the unpacker has failed; never rejects. */
  report: Promise<UnpackReport>;
  /** Ends it at once. What it has written stays. */
  kill(): void;
}

export interface UnpackOptions {
  /** Of the container: files are owned by its ids. */
  maps: IdMaps;
  /** In bytes; an archive that unpacks to more fails. No limit by default. */
  maxUnpackedSize?: number;
  /** A layer of an image, not a whole root file system. */
  isLayer?: boolean;
}

/**
 * Starts the unpacker (unpack-main.ts) in a user namespace with the container's id maps. Takes about 50 ms until it
 * reads.
 * @param file descriptor of the archive, where it is a regular file: then there is no `input`
 * @throws FosterError where there are no user namespaces to be had
 */
export function startUnpacker(
  tree: string,
  compression: Compression,
  { maps, maxUnpackedSize, isLayer = false }: UnpackOptions,
  file?: number,
): Unpacking {
  const isByProgram = compression === 'zstd' && !('createZstdDecompress' in zlib);
  const order: UnpackOrder = {
    tree,
    compression: isByProgram ? 'none' : compression,
    hasOneOwner: hasOneOwner(maps),
    maxSize: maxUnpackedSize ?? Number.MAX_SAFE_INTEGER,
    isLayer,
  };
  // The unpacker reads the archive, a pipe from us, or a pipe from zstd.
  const piped = file === undefined || isByProgram ? widePipe() : undefined;
  let program: Reporter;
  try {
    program = startReporter({
      name: 'foster-unpack',
      argv: [join(__dirname, 'unpack-main.cjs'), JSON.stringify(order)],
      maps: withCaller(maps),
      input: piped?.[0] ?? file,
    });
  } catch (error) {
    if (piped !== undefined) closeSync(piped[1]);
    throw error;
  } finally {
    if (piped !== undefined) closeSync(piped[0]);
  }
  const { pid, report, errors } = program;
  const zstd = isByProgram && piped !== undefined ? startZstd(file ?? 'pipe', piped[1]) : undefined;
  const input = inputOf(zstd, piped?.[1]);
  if (zstd !== undefined && piped !== undefined) closeSync(piped[1]);
  let isOver = false;
  const finished = readReport(report).then((text): UnpackReport => {
    isOver = true; // from here on its pid may be another's
    const status = waitForChild(pid);
    const said = takeMemoryFile(errors);
    input.destroy();
    return text === ''
      ? { error: `the unpacker ${howItEnded(status, said)}` }
      : (JSON.parse(text) as UnpackReport);
  });
  return {
    input,
    report: zstd === undefined ? finished : afterZstd(zstd, finished),
    kill() {
      zstd?.kill('SIGKILL');
      if (!isOver) process.kill(pid, 'SIGKILL');
    },
  };
}

/** Where we write the archive to, if we do. */
function inputOf(zstd: ChildProcess | undefined, fd: number | undefined): Writable {
  const input =
    zstd?.stdin ??
    (zstd === undefined && fd !== undefined
      ? new Socket({ fd, readable: false, writable: true })
      : new Writable({ write: (_piece, _encoding, done) => done() }));
  input.on('error', () => {}); // EPIPE: the unpacker says why
  return input;
}

/** One that takes a whole piece at once: pipe(7), "Pipe capacity". */
function widePipe(): [number, number] {
  const ends = pipe();
  setPipeSize(ends[1], 1024 * 1024);
  return ends;
}

/**
 * The maps for unpacking: as the container's, but the caller must have an id in them, for the folders above the tree
 * are his.
 */
export function withCaller(maps: IdMaps): IdMaps {
  const add = (map: IdMapping[], own: number): IdMapping[] => {
    if (map.some(({ hostID, size }) => own >= hostID && own < hostID + size)) return map;
    const free = Math.max(...map.map(({ containerID, size }) => containerID + size));
    return [...map, { containerID: free, hostID: own, size: 1 }];
  };
  return {
    ...maps,
    uid: add(maps.uid, process.getuid?.() ?? 0),
    gid: add(maps.gid, process.getgid?.() ?? 0),
  };
}

/** zstd(1), for Node has zstd only since 22.15. */
function startZstd(input: number | 'pipe', output: number): ChildProcess & { complaint: () => string } {
  const child = spawn('zstd', ['-dcq', '--no-progress'], { stdio: [input, output, 'pipe'] });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(0, 1000);
  });
  return Object.assign(child, { complaint: () => complaint });
}

/** A broken zstd file looks to the unpacker like an archive that ends too early. */
async function afterZstd(
  zstd: ReturnType<typeof startZstd>,
  finished: Promise<UnpackReport>,
): Promise<UnpackReport> {
  const ended = new Promise<number | undefined>((done) => {
    zstd.on('error', () => done(undefined));
    zstd.on('close', (code) => done(code ?? 0)); // null: by our signal, or SIGPIPE
  });
  const report = await finished;
  const code = await ended;
  if (code === undefined) {
    return { error: 'zstd is not installed, and this Node has none', advice: 'apt-get install zstd' };
  }
  if (code === 0) return report;
  const why = zstd.complaint().trim().split('\n').at(-1)?.replace(/^.*: /, '') ?? '';
  return { error: `the compressed file is corrupt or truncated (${why})` };
}
