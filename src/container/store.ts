import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isId } from '../spec/names.js';
import { decodeRestart, type RestartPolicy } from '../spec/parse/restart.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { isFileLocked, lockFile } from '../sys/libc.js';
import { containerFolder, dataFolder, lockPath, makeFolder, nameLink } from '../sys/paths.js';
import { hasFileOpen, readRunningStart } from '../sys/process.js';
import { unseen } from '../sys/sightings.js';
import { type ContainerRecord, parseRecord, parseRecordLate } from './record.js';

export interface ContainerState {
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead';
  /** The host's PID of the container's PID 1; 0 if it is not running. */
  pid: number;
  /** Its monitor; 0 if there is none. */
  monitor: number;
  /** How many times the restart policy has restarted it. */
  restarts: number;
  startedAt?: string;
  finishedAt?: string;
  exitCode?: number;
  error?: string;
  /** It is running, and `foster stop` waits for it to end. */
  isStopping?: true;
}

/** The status of a container, in the words that users see. */
export function statusWord({ status, isStopping }: ContainerState): ContainerState['status'] | 'stopping' {
  return status === 'running' && isStopping ? 'stopping' : status;
}

export interface Container {
  record: ContainerRecord;
  state: ContainerState;
}

/** The file `live`, which the monitor writes when a container has started: docs/state.md. */
export interface LiveRecord {
  pid: number;
  /** Distinguishes the process from a later one with the same pid: see processStart. */
  pidStart: string;
  monitor: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  restarts: number;
}

/** Whether a monitor looks after it: it is running, paused, or about to be restarted. */
export function isAlive({ status }: ContainerState): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting';
}

/** All containers, in no particular order, without those that a crash has left half made or half removed. */
export function listContainers(): Container[] {
  return [...eachContainer()];
}

/**
 * As `listContainers`, one after the other, for a caller that does not keep them: a record is ten thousand characters long.
 * @param isWanted records of containers in other states are not read
 */
export function* eachContainer(isWanted?: (state: ContainerState) => boolean): Generator<Container> {
  const booted = bootTime();
  for (const id of storedIds()) {
    const folder = containerFolder(id);
    const state = isWanted && readState(id, folder, booted);
    if (state !== undefined && !isWanted?.(state)) continue;
    const record = readRecord(id, folder, parseRecordLate);
    if (record !== undefined) yield { record, state: state ?? readState(id, folder, booted) };
  }
}

/**
 * Ids of containers whose `config.json` cannot be read: `foster rm -f` and `foster prune` remove them.
 * @param whole the ids of all others
 */
export function damagedIds(whole: readonly string[]): string[] {
  const known = new Set(whole);
  return storedIds().filter(
    (id) => !known.has(id) && hasFile(containerFolder(id), 'config.json') && readContainer(id) === undefined,
  );
}

/** Ids of all container folders, complete or not. */
export function storedIds(): string[] {
  try {
    return readdirSync(join(dataFolder(), 'containers')).filter(isId);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Whether there is a container folder, complete or not. */
export function isStored(id: string): boolean {
  return existsSync(containerFolder(id));
}

/**
 * Finds a container by its name, its id or an unambiguous prefix of its id.
 * @throws FosterError if there is none, or more than one
 */
export function findContainer(reference: string, { exitCode = 1 }: { exitCode?: number } = {}): Container {
  const id = findId(reference);
  const container = id === undefined ? undefined : readContainer(id);
  if (container === undefined) {
    throw new FosterError(`no such container: ${reference}`, {
      kind: 'not-found',
      advice: "'foster ps -a' lists them",
      exitCode,
    });
  }
  return container;
}

/**
 * Finds an id by a name, an id or an unambiguous prefix of an id. The container may be incomplete.
 * @throws FosterError if more than one matches
 */
export function findId(reference: string): string | undefined {
  if (isId(reference)) return reference;
  const named = idOfName(reference);
  if (named !== undefined) return named;
  if (!/^[0-9a-f]{1,63}$/.test(reference)) return undefined;
  const matches = storedIds().filter((id) => id.startsWith(reference));
  if (matches.length > 1) {
    throw new FosterError(`${reference} is the start of ${matches.length} container ids`, {
      kind: 'conflict',
      advice: 'give more characters of it',
      exitCode: 1,
    });
  }
  return matches[0];
}

/** The container that has this name; undefined also if a pod has it. */
export function idOfName(name: string): string | undefined {
  return idBehind(name, 'containers');
}

/** The pod that has this name. */
export function podOfName(name: string): string | undefined {
  return idBehind(name, 'pods');
}

/** A name is a link to the folder of a container or of a pod. */
function idBehind(name: string, kind: 'containers' | 'pods'): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined;
  try {
    const [id = '', folder] = readlinkSync(nameLink(name)).split('/').reverse();
    return isId(id) && folder === kind ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The current state of a container; undefined if it is gone or was never finished. */
export function readContainer(id: string): Container | undefined {
  const folder = containerFolder(id);
  const record = readRecord(id, folder);
  // what runs is nothing that a template depends on: who uses one looks again
  return record && { record, state: unseen(() => readState(id, folder)) };
}

function readRecord(id: string, folder: string, parse = parseRecord): ContainerRecord | undefined {
  const record = parse(readText(`${folder}/config.json`));
  return record?.id === id ? record : undefined;
}

/** What the monitor wrote at the container's last start; undefined if it was never started. */
export function readLive(id: string): LiveRecord | undefined {
  return readLiveIn(containerFolder(id));
}

function readLiveIn(folder: string): LiveRecord | undefined {
  const fields = /^(\d{1,10}) (\d+) (\d{1,10}) (\d{1,15}) (\d{1,10})\n$/.exec(readText(`${folder}/live`));
  if (fields === null) return undefined;
  const [, pid, pidStart = '', monitor, startedAt, restarts] = fields;
  return {
    pid: Number(pid),
    pidStart,
    monitor: Number(monitor),
    startedAt: Number(startedAt),
    restarts: Number(restarts),
  };
}

/** As `isAlive` of its state; its record is not read. */
export function isAliveNow(id: string): boolean {
  return isAlive(readState(id, containerFolder(id)));
}

/** The state of a container. Its lock decides whether it is alive: the kernel releases it with the last holder. */
function readState(id: string, folder: string, booted?: number): ContainerState {
  const live = readLiveIn(folder);
  const hasInit = isInitAlive(live, booted);
  const isHeld = hasInit || isLockHeld(id) || hasMonitor(folder, live);
  const exit = readExit(folder);
  const base = {
    pid: 0,
    monitor: 0,
    restarts: live?.restarts ?? 0,
    ...(live && { startedAt: iso(live.startedAt) }),
  };
  const ended = exit && {
    ...(exit.code !== undefined && { exitCode: exit.code }),
    ...(exit.at !== undefined && { finishedAt: iso(exit.at) }),
  };
  // The monitor removes `exit` before PID 1 runs again, so together with a living PID 1 it means nothing.
  if (exit !== undefined && !hasInit) {
    const monitor = live?.monitor ?? 0;
    // otherwise the monitor is still cleaning up, or a command is starting the container
    if (isHeld && willRestart(folder, exit.code)) return { ...base, status: 'restarting', monitor, ...ended };
    return { ...base, status: 'exited', ...ended };
  }
  const isDamaged = live === undefined && hasFile(folder, 'live');
  if (isHeld && (live !== undefined || isDamaged)) {
    return {
      ...base,
      status: hasFile(folder, 'paused') ? 'paused' : 'running',
      pid: live?.pid ?? 0,
      monitor: live?.monitor ?? 0,
      ...(isNoted(`${folder}/stopping`) && { isStopping: true }),
      ...(isDamaged && { error: "its file 'live' is damaged" }),
    };
  }
  if (isHeld || (live === undefined && !isDamaged)) return { ...base, status: 'created' };
  return {
    ...base,
    status: 'dead',
    exitCode: 137,
    error: 'its monitor was killed, and the container with it',
  };
}

/** Whether a command that has noted itself in a file, as `PID START`, is still at work: it may have been killed. */
export function isNoted(file: string): boolean {
  const [, pid, start] = /^(\d{1,10}) (\d+)\n$/.exec(readText(file)) ?? [];
  return pid !== undefined && readRunningStart(Number(pid)) === start;
}

function hasFile(folder: string, name: string): boolean {
  return existsSync(`${folder}/${name}`);
}

/** Whether the monitor will restart it. The monitor decides by the same rules: src/init/restart.c. */
function willRestart(folder: string, code: number | undefined): boolean {
  const { policy } = readRestartIn(folder);
  return policy !== 'no' && !(policy === 'on-failure' && code === 0) && !hasFile(folder, 'stopped');
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** A file's text; '' if it cannot be read. Most are not there, and an exception costs ten times as much as to ask. */
function readText(path: string): string {
  if (!existsSync(path)) return '';
  try {
    return readFileSync(path, 'utf8'); // one call of Node's native code; a Buffer takes five
  } catch {
    return '';
  }
}

function readBytes(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** The file `exit` of the monitor: the exit code, and the time in milliseconds since 1970. Empty if it is damaged. */
function readExit(folder: string): { code?: number; at?: number } | undefined {
  if (!hasFile(folder, 'exit')) return undefined;
  const text = readText(`${folder}/exit`);
  const match = /^(\d{1,3}) (\d{1,15})\n$/.exec(text);
  if (match !== null) return { code: Number(match[1]), at: Number(match[2]) };
  return text !== '' || hasFile(folder, 'exit') ? {} : undefined; // else the monitor has just removed it
}

/** How many orphans PID 1 has adopted and reaped; undefined in the foreground, where they are not counted. */
export function readCounts(id: string): { adopted: number; reaped: number } | undefined {
  const match = /^(\d+) (\d+)\n$/.exec(readText(`${containerFolder(id)}/counts`));
  return match === null ? undefined : { adopted: Number(match[1]), reaped: Number(match[2]) };
}

/** Whether a command has ended it. The next start makes that untrue. */
export function isToStayStopped(id: string): boolean {
  return hasFile(containerFolder(id), 'stopped');
}

/** Whether the kernel has killed a process in its last run because of its memory limit. */
export function wasOomKilled(id: string): boolean {
  return hasFile(containerFolder(id), 'oom');
}

/** Bytes that are kept of what a health check writes: HEALTH_OUTPUT of src/init/init.h. */
const MOST_OUTPUT = 4096;

const HEALTH = ['starting', 'healthy', 'unhealthy'] as const;

/** The results of the last health checks. */
export interface Health {
  status: (typeof HEALTH)[number];
  /** Failures in a row. */
  streak: number;
  /** The last checks, the latest last: times in ms since 1970; exit code -1 if a check was killed or could not be started. */
  results: { began: number; ended: number; exitCode: number; output: Buffer; isCut: boolean }[];
  /** No startup probe is awaited. */
  isStarted: boolean;
  /** How often a probe has ended the container since foster has started it. */
  ends: number;
}

/** undefined if there are no checks. */
export function readHealth(id: string): Health | undefined {
  const content = readBytes(join(containerFolder(id), 'health'));
  const end = content.indexOf('\n\n'); // then comes what the checks have written, one after the other
  const [first = '', ...lines] = content.toString('latin1', 0, end < 0 ? content.length : end).split('\n');
  const [found, status, streak, started = 1, ends = 0] =
    /^([012]) (\d+)(?: ([01]) (\d+))?$/.exec(first.trimEnd()) ?? [];
  if (found === undefined) return undefined;
  let at = end + 2;
  const results = lines.flatMap((line) => {
    const [, began, ended, code, size = '0'] =
      /^(\d{1,15}) (\d{1,15}) (-1|\d{1,3})(?: (\d{1,6}))?$/.exec(line) ?? [];
    if (code === undefined) return [];
    const output = end < 0 ? Buffer.alloc(0) : content.subarray(at, at + Math.min(Number(size), MOST_OUTPUT));
    at += output.length;
    const isCut = Number(size) > MOST_OUTPUT;
    return { began: Number(began), ended: Number(ended), exitCode: Number(code), output, isCut };
  });
  return {
    status: HEALTH[Number(status)] ?? 'starting',
    streak: Number(streak),
    results,
    isStarted: Number(started) === 1,
    ends: Number(ends),
  };
}

/** Whether a container runs, and is healthy if that is checked. */
export function isReady({ record: { id, health }, state }: Container): boolean {
  return state.status === 'running' && (health === undefined || readHealth(id)?.status === 'healthy');
}

/** Its restart policy, which `foster update` may have changed since the container was created. */
export function readRestart(id: string): RestartPolicy {
  return readRestartIn(containerFolder(id));
}

function readRestartIn(folder: string): RestartPolicy {
  return decodeRestart(readText(`${folder}/restart`));
}

/** Whether other commands must not touch a container: a process holds its lock, or it is alive. */
export function isLocked(id: string): boolean {
  return isLockHeld(id) || isAttended(id);
}

/**
 * Whether PID 1 or the monitor is alive. Normally the monitor then holds the lock, but somebody may have removed the lock
 * file, and the container must still count as alive.
 */
function isAttended(id: string): boolean {
  const folder = containerFolder(id);
  const live = readLiveIn(folder);
  return isInitAlive(live) || hasMonitor(folder, live);
}

/** Whether the monitor is alive. It has the container's folder open, which a later process with its PID has not. */
function hasMonitor(folder: string, live: LiveRecord | undefined): boolean {
  return live !== undefined && hasFileOpen(live.monitor, folder);
}

function isInitAlive(live: LiveRecord | undefined, booted = bootTime()): boolean {
  if (live === undefined || readRunningStart(live.pid) !== live.pidStart) return false;
  // After a reboot another process may have both its pid and its start. CLOCK_SLACK (ms) tolerates changes of the clock.
  const CLOCK_SLACK = 60_000;
  return live.startedAt >= booted - CLOCK_SLACK;
}

/** Milliseconds since 1970. As uptime() of node:os, which takes a third of a millisecond to load. */
function bootTime(): number {
  const uptime = unseen(() => readFileSync('/proc/uptime', 'utf8'));
  return Date.now() - Number.parseFloat(uptime) * 1000;
}

/** Whether a process holds its lock: a foster command that works on it, or its monitor. */
function isLockHeld(id: string): boolean {
  let fd: number;
  try {
    fd = openSync(lockPath(id), 'r+');
  } catch {
    return false;
  }
  try {
    return isFileLocked(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes the container's lock. Returns a descriptor, which the caller must close, or undefined if another process holds the
 * lock or the container is alive. With `creates`, there need not be a container yet.
 */
export function lockContainer(id: string, options: { wait: boolean; creates?: boolean }): number | undefined {
  const MAX_ATTEMPTS = 1000; // each attempt fails only if another process has just removed the file
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const fd = openLock(lockPath(id));
    if (options.creates) faultPoint('lock made');
    if (!lockFile(fd, options)) {
      closeSync(fd);
      return undefined;
    }
    // the previous holder may have removed the file while we waited
    const isLasting = fstatSync(fd).nlink > 0;
    const isContainer = isLasting && (options.creates || existsSync(containerFolder(id)));
    if (isContainer && (options.creates || !isAttended(id))) return fd;
    // the container is gone, and openLock has just created its file again
    if (isLasting && !isContainer) rmSync(lockPath(id), { force: true });
    closeSync(fd);
    if (isLasting) return undefined;
  }
  return undefined;
}

function openLock(path: string): number {
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    return openSync(path, 'a+', 0o600);
  }
}
