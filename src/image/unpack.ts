import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { FosterError } from '../errors.js';
import { CLONE_FLAGS, openProgram, startProcess } from '../sys/clone.js';
import { type IdMapping, type IdMaps, writeIdMaps } from '../sys/id-maps.js';
import { type ExitStatus, memoryFile, pipe, takeMemoryFile, waitForChild } from '../sys/libc.js';
import { cloneFailure } from '../sys/namespace-failure.js';
import type { Compression } from './compression.js';
import type { UnpackOrder, UnpackReport } from './unpack-protocol.js';

const SIGKILL = 9;

/** An unpacker at work. */
export interface Unpacking {
  /** Takes the archive, as compressed as it was said to be. An error of it tells less than `report`. */
  input: Writable;
  /** Comes when the tree is finished, or the unpacker has failed; never rejects. */
  report: Promise<UnpackReport>;
  /** Ends it at once. What it has written stays. */
  kill(): void;
}

/**
 * Starts the unpacker (unpack-main.ts) in a user namespace with `maps`. Takes about 50 ms until it reads.
 * @throws FosterError where there are no user namespaces to be had
 */
export function startUnpacker(
  tree: string,
  compression: Compression,
  maps: IdMaps,
  maxSize: number,
): Unpacking {
  const order: UnpackOrder = {
    tree,
    isGzip: compression === 'gzip',
    hasOneOwner: hasOneID(maps.uid) || hasOneID(maps.gid),
    maxSize,
  };
  const archive = pipe();
  const report = pipe();
  const errors = memoryFile('foster-unpack-errors', new Uint8Array());
  let child: ReturnType<typeof startInNamespace>;
  try {
    child = startInNamespace(order, withCaller(maps), { archive: archive[0], report: report[1], errors });
  } catch (error) {
    for (const fd of [archive[1], report[0], errors]) closeSync(fd);
    throw error;
  } finally {
    closeSync(archive[0]);
    closeSync(report[1]);
  }
  const zstd = compression === 'zstd' ? startZstd(archive[1]) : undefined;
  const input = zstd?.stdin ?? new Socket({ fd: archive[1], readable: false, writable: true });
  if (zstd !== undefined) closeSync(archive[1]);
  input.on('error', () => {}); // EPIPE: the unpacker says why
  const finished = readReport(report[0]).then((text): UnpackReport => {
    const status = waitForChild(child.pid);
    const said = takeMemoryFile(errors);
    input.destroy();
    return text === '' ? { error: diedWithoutWord(status, said) } : (JSON.parse(text) as UnpackReport);
  });
  return {
    input,
    report: zstd === undefined ? finished : afterZstd(zstd, finished),
    kill() {
      zstd?.kill('SIGKILL');
      child.kill();
    },
  };
}

function startInNamespace(
  order: UnpackOrder,
  maps: IdMaps,
  files: { archive: number; report: number; errors: number },
): { pid: number; kill(): void } {
  const control = pipe();
  const node = openProgram(process.execPath);
  const nothing = openSync('/dev/null', 'r+');
  try {
    const { pid, pidfd } = startProcess(
      {
        file: node,
        argv: ['foster-unpack', join(__dirname, 'unpack-main.cjs'), JSON.stringify(order)],
        env: [],
        descriptors: [files.archive, nothing, files.errors, control[0], files.report],
        privileged: true,
        parentDeathSignal: SIGKILL,
      },
      CLONE_FLAGS.user | CLONE_FLAGS.mount,
    );
    closeSync(pidfd);
    const kill = () => process.kill(pid, 'SIGKILL');
    try {
      writeIdMaps(pid, maps);
      writeSync(control[1], 'g');
    } catch (error) {
      kill();
      waitForChild(pid);
      throw error;
    }
    return { pid, kill };
  } catch (error) {
    throw cloneFailure(error);
  } finally {
    for (const fd of [...control, node, nothing]) closeSync(fd);
  }
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

function hasOneID(map: IdMapping[]): boolean {
  return map.length === 1 && map[0]?.size === 1;
}

/** All that comes until the other end closes, at the latest when the unpacker has ended. */
function readReport(fd: number): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => done(text));
  });
}

function diedWithoutWord({ signal, code }: ExitStatus, said: string): string {
  const how = signal === 0 ? `ended with exit code ${code}` : `was killed by signal ${signal}`;
  const line = said.split('\n').find((each) => /error/i.test(each));
  return `the unpacker ${how}${line === undefined ? '' : ` (${line.trim()})`}`;
}

/** zstd(1), for Node has zstd only since 22.15. */
function startZstd(output: number): ChildProcess & { stdin: Writable; complaint: () => string } {
  const child = spawn('zstd', ['-dcq', '--no-progress'], { stdio: ['pipe', output, 'pipe'] });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(0, 1000);
  });
  return Object.assign(child, { stdin: child.stdin as Writable, complaint: () => complaint });
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
  return { error: `the zstd file is corrupt or truncated: ${why}` };
}

void dirname;
void FosterError;
