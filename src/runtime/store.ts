import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { containerFolder, dataFolder, liveFolder, nameLink } from '../paths.js';
import { isId } from '../spec/names.js';
import type { Spec } from '../spec/types.js';
import { errnoOf } from '../sys/errno.js';
import { isFileLocked, lockFile } from '../sys/libc.js';

/** What a container is, for as long as it exists: `config.json` in its folder. Written once. */
export interface ContainerRecord {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** ISO 8601. */
  created: string;
  /** ROOT as the person gave it. */
  root: string;
  command: string[];
  labels: Record<string, string>;
  /** Remove it when it ends. */
  rm: boolean;
  init: boolean;
  stopSignal: number;
  /** Seconds. */
  stopTimeout: number;
  /** Whether newuidmap(1) and newgidmap(1) wrote the maps. */
  usesMapHelpers: boolean;
  spec: Spec;
}

export interface ContainerState {
  status: 'created' | 'running' | 'exited' | 'dead';
  /** PID 1 of the container, in the host's numbers; 0 where it does not run. */
  pid: number;
  startedAt?: string;
  finishedAt?: string;
  exitCode?: number;
  error?: string;
}

export interface Container {
  record: ContainerRecord;
  state: ContainerState;
}

/** What foster writes when a container has started: `live.json` in its folder below the runtime folder. */
export interface LiveRecord {
  pid: number;
  /** Field 22 of /proc/PID/stat: tells a process from a later one of the same pid. proc_pid_stat(5). */
  pidStart: string;
  monitor: number;
  startedAt: string;
}

/** Every container, in no order. Those that a crash left half made or half removed are left out. */
export function listContainers(): Container[] {
  return storedIds().flatMap((id) => readContainer(id) ?? []);
}

/** Ids of all container folders, whole or not. */
export function storedIds(): string[] {
  try {
    return readdirSync(join(dataFolder(), 'containers')).filter(isId);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The container that a name, an id or an unambiguous start of an id means.
 * @throws FosterError where there is none, or more than one
 */
export function findContainer(reference: string): Container {
  const id = resolveReference(reference);
  const container = id === undefined ? undefined : readContainer(id);
  if (container === undefined) {
    throw new FosterError(`no such container: ${reference}`, {
      advice: "'foster ps -a' lists them",
      exitCode: 1,
    });
  }
  return container;
}

function resolveReference(reference: string): string | undefined {
  if (isId(reference)) return reference;
  const named = idOfName(reference);
  if (named !== undefined) return named;
  if (!/^[0-9a-f]{1,63}$/.test(reference)) return undefined;
  const matches = storedIds().filter((id) => id.startsWith(reference));
  if (matches.length > 1) {
    throw new FosterError(`${reference} is the start of ${matches.length} container ids`, {
      advice: 'give more of it',
      exitCode: 1,
    });
  }
  return matches[0];
}

/** The container that has this name. */
export function idOfName(name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined;
  try {
    const id = readlinkSync(nameLink(name)).split('/').at(-1) ?? '';
    return isId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** A container as it is now; undefined where its folder is gone or was never finished. */
export function readContainer(id: string): Container | undefined {
  const record = readJson<ContainerRecord>(join(containerFolder(id), 'config.json'));
  return record?.id === id ? { record, state: readState(id) } : undefined;
}

/** A file that foster wrote; undefined where it is missing, cut short, or not JSON. */
function readJson<T extends object>(path: string): T | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

/** What foster wrote when the container started; undefined if it did not start since the machine did. */
export function readLive(id: string): LiveRecord | undefined {
  return readJson<LiveRecord>(join(liveFolder(id), 'live.json'));
}

/** The lock decides whether it lives: the kernel lets it go when the last process that holds it is gone. */
function readState(id: string): ContainerState {
  const live = readLive(id);
  const exit = readExit(id);
  const started = live === undefined ? {} : { startedAt: live.startedAt };
  if (exit === undefined && isLocked(id)) {
    return live === undefined
      ? { status: 'created', pid: 0 }
      : { status: 'running', pid: live.pid, ...started };
  }
  if (exit !== undefined) {
    const finishedAt = new Date(exit.at).toISOString();
    return { status: 'exited', pid: 0, exitCode: exit.code, finishedAt, ...started };
  }
  if (live === undefined) return { status: 'created', pid: 0 };
  return {
    status: 'dead',
    pid: 0,
    exitCode: 137,
    error: 'its monitor was killed, and the container with it',
    ...started,
  };
}

/** `exit`, which the monitor writes: the exit code, and when, in milliseconds since 1970. */
function readExit(id: string): { code: number; at: number } | undefined {
  try {
    const match = /^(\d+) (\d+)\n$/.exec(readFileSync(join(containerFolder(id), 'exit'), 'utf8'));
    return match === null ? undefined : { code: Number(match[1]), at: Number(match[2]) };
  } catch {
    return undefined;
  }
}

/** Whether a process holds the container: a foster command that works on it, or its monitor. */
export function isLocked(id: string): boolean {
  let fd: number;
  try {
    fd = openSync(join(liveFolder(id), 'lock'), 'r+');
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
 * Takes the container's lock, a descriptor to be closed, or undefined when somebody else holds it. Its folder below
 * the runtime folder comes into being with it.
 */
export function lockContainer(id: string, options: { wait: boolean }): number | undefined {
  for (;;) {
    const fd = openLock(id);
    if (!lockFile(fd, options)) {
      closeSync(fd);
      return undefined;
    }
    // whoever held it before may have removed the file that we waited for
    if (fstatSync(fd).nlink > 0) return fd;
    closeSync(fd);
  }
}

function openLock(id: string): number {
  const path = join(liveFolder(id), 'lock');
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    mkdirSync(liveFolder(id), { recursive: true, mode: 0o700 });
    return openSync(path, 'a+', 0o600);
  }
}
