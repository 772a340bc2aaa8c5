import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { findProgram } from '../init/id-maps.js';
import { initProgram } from '../init/init-program.js';
import { decodeReport, REPORT_SIZE } from '../init/wire.js';
import type { StorageProgram } from '../plan/step.js';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { memoryFile, signalPidfd, socketPair, waitForChild, waitReadable } from '../sys/libc.js';
import * as wire from '../sys/wire-constants.js';

const SIGKILL = 9;
/** How long the program may write what it still has to when its mount is gone. Milliseconds. */
const PATIENCE = 2000;

/** How the program is started: see run_storage in src/init/storage.c. */
export interface StorageWishes {
  /** Which namespaces of a process it joins; none: it mounts in ours. */
  joins?: 'user and mount' | 'mount';
  /** Nothing can be written; `upper` is just a layer like others, and to be named among them. */
  isReadOnly?: boolean;
  /** It goes on when we end, until its mount is gone. */
  outlivesUs?: boolean;
}

/** The program at work. */
export interface RunningStorage {
  pid: number;
  pidfd: number;
  /** What it says on stderr, its first 4 KiB. */
  said: number;
}

/** Where fuse-overlayfs is. @throws FosterError */
export function findFuseOverlayfs(): string {
  const path = findProgram('fuse-overlayfs');
  if (path !== undefined) return path;
  throw new FosterError('cannot find fuse-overlayfs: it is not installed', {
    advice: 'apt-get install fuse-overlayfs',
  });
}

/** Whether fuse-overlayfs is there and /dev/fuse may be used. */
export function hasFuseOverlayfs(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return findProgram('fuse-overlayfs') !== undefined;
  } catch {
    return false;
  }
}

/** The arguments of foster-init. */
export function storageWords(storage: StorageProgram, wishes: StorageWishes): string[] {
  const how = [
    wishes.joins === undefined ? '' : 'm',
    wishes.joins === 'user and mount' ? 'u' : '',
    wishes.isReadOnly ? 'r' : '',
    wishes.outlivesUs ? '' : 'd',
  ];
  return ['storage', how.join(''), storage.program, storage.container, ...storage.layers];
}

/** A memory file that takes what the program says. */
export function storageSays(): number {
  return memoryFile('foster-storage', Buffer.alloc(4096), { sealed: 'size' });
}

/**
 * Starts fuse-overlayfs. When this returns, `root` is mounted; who uses it waits for the program.
 * @param join pidfd of the process whose namespaces are joined
 * @param check called at least every 100 ms; what it throws ends the program
 * @throws FosterError; nothing is mounted then
 */
export function startStorage(
  storage: StorageProgram,
  wishes: StorageWishes,
  join?: number,
  check?: () => void,
): RunningStorage {
  const [control, theirs] = socketPair();
  const nothing = openSync('/dev/null', 'r+');
  const said = storageSays();
  let running: RunningStorage | undefined;
  try {
    const child = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init', ...storageWords(storage, wishes)],
        env: [],
        descriptors: [nothing, nothing, said, theirs, undefined, join],
      },
      0,
    );
    running = { ...child, said };
    closeSync(theirs);
    const report = Buffer.alloc(REPORT_SIZE);
    while (waitReadable(control, 100) !== 'ready') check?.();
    const failed = readSync(control, report) === 0 ? undefined : decodeReport(report);
    if (failed?.kind === 'failed') throw storageFailure(failed.index, failed.errno);
    return running;
  } catch (error) {
    if (running === undefined) closeSync(theirs);
    if (running === undefined) closeSync(said);
    else endStorage(running, { patience: 0 });
    throw error;
  } finally {
    closeSync(control);
    closeSync(nothing);
  }
}

/** Ends the program, after it has had time to find that its mount is gone. */
export function endStorage({ pid, pidfd, said }: RunningStorage, { patience = PATIENCE } = {}): void {
  if (waitReadable(pidfd, patience) !== 'ready') signalPidfd(pidfd, SIGKILL);
  waitForChild(pid);
  closeSync(pidfd);
  closeSync(said);
}

/** The rest of a sentence: what the program has said last; '' for nothing. */
export function lastWords(said: number): string {
  const buffer = Buffer.alloc(4096);
  const text = buffer.toString('utf8', 0, Math.max(0, readSync(said, buffer, 0, buffer.length, 0)));
  const lines = text.replaceAll('\0', '').split('\n');
  return (
    lines.filter((line) => line.trim() !== '' && !line.startsWith('unknown argument ignored')).at(-1) ?? ''
  );
}

const WITHOUT_FUSE = '"foster --storage-driver copy" works without it';

/** By the number of the step: what could not be done, and what to do about it. */
const STEPS: Readonly<Record<number, { what: string; advice?: string }>> = {
  [wire.STORAGE_JOIN]: { what: 'enter the namespaces of the container' },
  [wire.STORAGE_DEVICE]: {
    what: 'open /dev/fuse',
    advice: 'check that it exists and is writable: "modprobe fuse", "chmod 666 /dev/fuse"',
  },
  [wire.STORAGE_FOLDER]: { what: "use the container's own folder" },
  [wire.STORAGE_MOUNT]: { what: 'mount a FUSE file system', advice: WITHOUT_FUSE },
  [wire.STORAGE_VIEW]: { what: 'show the layers to fuse-overlayfs', advice: WITHOUT_FUSE },
  [wire.STORAGE_LAYER]: { what: 'open a layer of the root file system' },
  [wire.STORAGE_PROGRAM]: {
    what: 'execute fuse-overlayfs',
    advice: 'check that it is a program for this machine',
  },
};

export function isStorageStep(index: number): boolean {
  return index - wire.STORAGE_STEP in STEPS;
}

/** The sentence of a step that failed before the program ran. */
export function storageFailure(index: number, errno: number): FosterError {
  const { what, advice } = STEPS[index - wire.STORAGE_STEP] ?? { what: 'start fuse-overlayfs' };
  return new FosterError(`cannot ${what}: ${errnoWords(errno)}`, advice === undefined ? {} : { advice });
}

/** What the kernel says of a file system whose program is gone. */
const GONE = ['ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'EIO'];

/** Whether an error of the container is owed to the program; then the sentence about that. */
export function storageEnd(errno: number, said: number): FosterError | undefined {
  if (!GONE.includes(errnoName(errno))) return undefined;
  const words = lastWords(said);
  return new FosterError(
    `cannot make the root file system of the container: fuse-overlayfs has ended${words === '' ? '' : `: ${words}`}`,
    { advice: WITHOUT_FUSE },
  );
}
