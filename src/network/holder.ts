import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { reapLater } from '../init/children.js';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { runHostSteps } from '../launch/host-steps.js';
import { findMapHelpers } from '../launch/id-maps.js';
import { mapIds } from '../plan/id-maps.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { HostStep } from '../plan/step.js';
import { allIds, defaultIdMaps } from '../spec/choose-id-maps.js';
import type { IdMapping, IdMaps } from '../spec/id-maps.js';
import { visible } from '../spec/parse/flag.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { lockFile, memoryFile, openPidfd, signalPidfd, socketPair, waitForChild } from '../sys/libc.js';
import { makeFolder } from '../sys/paths.js';
import { isExiting, processStart } from '../sys/process.js';
import { openProgram } from '../sys/programs.js';
import { networksFolder } from './folder.js';

/**
 * The network holder: src/init/holder.c. It keeps the user namespace above those of containers in existence, and the network
 * namespace that connects them. It lives as long as a process holds its lock.
 */

const SIGKILL = 9;

/** The content of the lock file: the running holder. */
export interface HolderState {
  pid: number;
  start: string;
  /** LAYOUT of the foster that has started it, or has led it outside; 1 if there is none. */
  layout?: number;
  /** What it was prepared with: src/network/router.ts. */
  prepared?: string;
  /** true, or why there is no way to the outside. */
  outside: true | string;
  /** Names and ids of the networks that it connects. */
  networks: Record<string, string>;
  /** src/network/resolvers.ts */
  resolvers?: Resolvers;
}

/** Name servers for containers in several networks. */
export interface Resolvers {
  /** By what they answer, the number of their address. */
  places: Record<string, number>;
  /** The rules of nft(8) that lead containers to them, or UNKNOWN_RULES. */
  rules: string;
}

/** In place of rules that a command was about to change. */
export const UNKNOWN_RULES = 'unknown';

/** To be increased when an earlier foster can no longer complete the running holder of this one. */
export const LAYOUT = 3;

/** The lowest of a running holder that this foster can complete. */
const OLDEST_LAYOUT = 2;

/** A holder that cannot end before `lock` is closed, by us and by all processes that have inherited it. */
export interface Holder {
  state: HolderState;
  pidfd: number;
  lock: number;
}

/**
 * Returns the holder, and starts it if it is not running. The caller must hold the lock of the networks.
 * @param prepared what the holder is to be prepared with
 * @param prepare prepares one that is not, which may be in use
 * @throws FosterError
 */
export function ensureHolder(prepared: string, prepare: (pidfd: number, state: HolderState) => void): Holder {
  makeFolder(networksFolder());
  const path = join(networksFolder(), 'holder');
  const lock = openSync(path, 'a+', 0o600);
  lockFile(lock, { wait: true, shared: true }); // waits for a holder that is about to end
  let child: { pid: number; pidfd: number } | undefined;
  let known: { state: HolderState; pidfd: number } | undefined;
  try {
    known = runningHolder(path);
    if (known !== undefined) checkLayout(known.state);
    if (known?.state.prepared === prepared) return { ...known, lock };
    if (known === undefined) {
      child = startHolder(path);
      faultPoint('network holder started');
      known = { state: newState(child.pid), pidfd: child.pidfd };
    }
    const { pidfd, state } = known;
    prepare(pidfd, state);
    state.prepared = prepared;
    writeState(lock, state);
    if (child !== undefined) reapLater(child.pid);
    return { state, pidfd, lock };
  } catch (error) {
    if (child !== undefined) {
      signalPidfd(child.pidfd, SIGKILL);
      waitForChild(child.pid);
    }
    if (known !== undefined) closeSync(known.pidfd);
    closeSync(lock);
    throw error;
  }
}

function checkLayout({ layout = 1 }: HolderState): void {
  if (layout >= OLDEST_LAYOUT && layout <= LAYOUT) return;
  const which = layout > LAYOUT ? 'a newer' : 'an older';
  throw new FosterError(
    `cannot use the networks: ${which} version of foster has started the containers that run in them, and this one cannot work with it`,
    { kind: 'conflict', advice: 'use that version, or stop all these containers first: foster stop --all' },
  );
}

/** Keeps the running holder alive. @returns the descriptor of its lock, for the monitor of a container */
export function holdNetwork(): number {
  const lock = openSync(join(networksFolder(), 'holder'), 'a+', 0o600);
  lockFile(lock, { wait: true, shared: true });
  return lock;
}

/** Records the networks that the holder connects. The caller must hold the lock of the networks. */
export function recordNetworks({ lock, state }: Holder): void {
  writeState(lock, state);
}

function newState(pid: number): HolderState {
  return { pid, start: processStart(pid) ?? '', layout: LAYOUT, outside: '', networks: {} };
}

function writeState(lock: number, state: HolderState): void {
  ftruncateSync(lock, 0);
  writeSync(lock, JSON.stringify(state));
}

/** The state of the running holder, if there is one. It may end at any time. */
export function holderState(): HolderState | undefined {
  return readState(join(networksFolder(), 'holder'));
}

function readState(path: string): HolderState | undefined {
  try {
    const state = JSON.parse(readFileSync(path, 'utf8')) as HolderState;
    const isSame = Number.isInteger(state.pid) && processStart(state.pid) === state.start;
    return isSame && !isExiting(state.pid) ? state : undefined;
  } catch {
    return undefined; // no holder is running
  }
}

function runningHolder(path: string): { state: HolderState; pidfd: number } | undefined {
  const state = readState(path);
  if (state === undefined) return undefined;
  const pidfd = openPidfd(state.pid);
  if (readState(path) !== undefined) return { state, pidfd }; // still running, so the pidfd belongs to the holder
  closeSync(pidfd);
  return undefined;
}

function startHolder(path: string): { pid: number; pidfd: number } {
  const [control, theirs] = socketPair();
  const itsLock = openSync(path, 'a+');
  const nothing = openSync('/dev/null', 'r+');
  try {
    const child = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init', 'network'],
        env: [],
        descriptors: [nothing, nothing, nothing, theirs, itsLock],
        privileged: true,
      },
      namespaceFlags(['user', 'pid', 'network']),
    );
    try {
      const { output } = runHostSteps(beginHolder(), { ...child, control });
      if (output !== undefined) closeSync(output);
      return child;
    } catch (error) {
      signalPidfd(child.pidfd, SIGKILL);
      waitForChild(child.pid);
      closeSync(child.pidfd);
      throw error;
    }
  } catch (error) {
    throw cloneFailure(error);
  } finally {
    for (const fd of [control, theirs, itsLock, nothing]) closeSync(fd);
  }
}

/** The first steps for a process that is to be the holder. */
export function beginHolder(): HostStep[] {
  const maps = holderMaps();
  const helpers = maps.helpers ? findMapHelpers() : undefined;
  return [
    ...mapIds(maps, { helpers, canSetGroups: maps.helpers || isRoot() }),
    { kind: 'resume', why: 'let the network holder go on' },
  ];
}

const isRoot = () => process.getuid?.() === 0;

/** Maps every id that a container may have to itself, so containers have the same maps below the holder as without it. */
function holderMaps(): IdMaps {
  const maps = isRoot() ? allIds() : defaultIdMaps();
  return { ...maps, uid: asThemselves(maps.uid), gid: asThemselves(maps.gid) };
}

function asThemselves(map: IdMapping[]): IdMapping[] {
  const lines = map.map(({ hostID, size }) => ({ containerID: hostID, hostID, size }));
  return lines.sort((one, other) => one.hostID - other.hostID);
}

/** Runs a program in the holder's user and network namespaces with all capabilities. @throws FosterError if it fails */
export function runInHolder(pidfd: number, path: string, argv: string[], input: string): void {
  const program = openProgram(path);
  const stdin = memoryFile('foster-input', Buffer.from(input));
  const output = memoryFile('foster-output', Buffer.alloc(4096), { sealed: 'size' });
  const nothing = openSync('/dev/null', 'r+');
  try {
    const child = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init', 'enter', 'un', ...argv],
        env: [],
        descriptors: [stdin, nothing, output, undefined, undefined, undefined, undefined, pidfd, program],
      },
      0,
    );
    closeSync(child.pidfd);
    const status = waitForChild(child.pid);
    if (status.code === 0) return;
    const text = Buffer.alloc(4096);
    readSync(output, text, 0, text.length, 0);
    const [said = ''] = text.toString('utf8').replaceAll('\0', '').trim().split('\n');
    const end = status.signal === 0 ? `exit code ${status.code}` : `killed by signal ${status.signal}`;
    throw new FosterError(`${argv[0]} failed: ${said === '' ? end : visible(said)}`);
  } finally {
    for (const fd of [program, stdin, output, nothing]) closeSync(fd);
  }
}
