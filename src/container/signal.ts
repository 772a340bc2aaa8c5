import { closeSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { signalPidfd } from '../sys/libc.js';
import { containerFolder } from '../sys/paths.js';
import { waitFor, waitUntilReadable } from '../sys/poll.js';
import { hasFileOpen } from '../sys/process.js';
import { isNamespaceInit, openProcess, ProcessTable, readProcess } from './processes/table.js';
import type { ContainerRecord } from './record.js';
import { isLocked, type LiveRecord, readLive, readRestart } from './store.js';

export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIGCONT = 18;
export const SIGSTOP = 19;

/** Milliseconds that the kernel and the monitor may take to end a killed container. */
const END_TIMEOUT = 10_000;

/**
 * Records that the user wants the container to end, so that its monitor does not restart it.
 * @param options.isShutdown it ends because of a shutdown, and the next boot starts it again
 */
export function markStopped(id: string, { isShutdown = false }: { isShutdown?: boolean } = {}): void {
  try {
    if (isShutdown) writeFileSync(join(containerFolder(id), 'shutdown'), '', { mode: 0o600 });
    writeFileSync(join(containerFolder(id), 'stopped'), '', { mode: 0o600 });
  } catch (error) {
    // it has just been removed, because of --rm or by another command
    if (errnoOf(error) === 'ENOENT' || readRestart(id).policy === 'no') return;
    throw new FosterError(`cannot record that the container must not be restarted: ${wordsOf(error)}`, {
      advice: 'free some space on that disk, or "foster update --restart no" first',
      exitCode: 1,
      cause: error,
    });
  }
}

/** Records that a container with `--rm` is about to be started again, so that its monitor does not remove it when it ends. */
export function markStaying({ id, name }: Pick<ContainerRecord, 'id' | 'name'>): void {
  try {
    writeFileSync(join(containerFolder(id), 'stays'), '', { mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return; // it has just been removed, which its start reports
    const why = wordsOf(error);
    throw new FosterError(`cannot record that container ${name} must not be removed when it ends: ${why}`, {
      advice: 'free some space on that disk; it has --rm, and runs on',
      exitCode: 1,
      cause: error,
    });
  }
}

function wordsOf(error: unknown): string {
  const code = errnoOf(error);
  return code === undefined ? String(error) : errnoWords(errnoNumber(code));
}

/** Opens a pidfd of PID 1, which the caller must close; undefined if it has ended. */
export function openInit(live: LiveRecord | undefined): number | undefined {
  return live === undefined ? undefined : openProcess(live.pid, live.pidStart);
}

/** Sends a signal to PID 1, which passes it on to the user's process. Returns false if PID 1 has ended. */
export function signalInit(live: LiveRecord | undefined, signal: number): boolean {
  return live !== undefined && signalProcess(live.pid, live.pidStart, signal);
}

/** Sends a signal to the process with this pid and start, with a value like sigqueue(3). Returns false if it has ended. */
export function signalProcess(pid: number, start: string, signal: number, value?: number): boolean {
  const pidfd = openProcess(pid, start);
  if (pidfd === undefined) return false;
  try {
    return signalPidfd(pidfd, signal, value);
  } finally {
    closeSync(pidfd);
  }
}

/**
 * Kills every process of the container. In its own PID namespace, all processes die with PID 1. In a shared one, its
 * processes are killed until there are none left.
 */
export function killAll(live: LiveRecord): void {
  const { pid, pidStart } = live;
  if (isNamespaceInit(pid)) {
    signalProcess(pid, pidStart, SIGKILL);
    return;
  }
  const MAX_ROUNDS = 100; // a limit, in case a process forks faster than we can list processes
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const [init, ...others] = new ProcessTable().members(pid);
    const targets = others.filter(({ state }) => state !== 'Z');
    if (init?.start !== pidStart || targets.length === 0) break;
    for (const target of targets) signalProcess(target.pid, target.start, SIGKILL);
  }
  signalProcess(pid, pidStart, SIGKILL);
}

/**
 * Sends a signal to the container's monitor. The monitor has the container's folder open, which a later process with the
 * same PID has not. Returns false if the monitor is gone.
 */
export function signalMonitor(id: string, live: LiveRecord | undefined, signal: number): boolean {
  const monitor = live === undefined ? undefined : readProcess(live.monitor);
  if (monitor === undefined || !hasFileOpen(monitor.pid, containerFolder(id))) return false;
  return signalProcess(monitor.pid, monitor.start, signal);
}

/** Kills the monitor of a container whose `live` file is damaged; the container ends with it. */
function killMonitor(id: string): void {
  for (const { pid, start, name } of new ProcessTable().byPid.values()) {
    const isMonitor = name === 'foster-monitor' && hasFileOpen(pid, containerFolder(id));
    if (isMonitor) signalProcess(pid, start, SIGKILL);
  }
}

/** A monitor in the foreground stops with its container (Ctrl-Z); it must be resumed to do its work. */
export function wakeMonitor(id: string, live: LiveRecord | undefined): void {
  if (live !== undefined && readProcess(live.monitor)?.state === 'T') signalMonitor(id, live, SIGCONT);
}

/**
 * Waits until PID 1, which has been told to end, and the monitor have ended and the container's lock is free. If the container
 * is waiting to be restarted, its monitor is told to end. The caller must call `markStopped` before.
 * @throws FosterError if that takes more than 10 s
 */
export async function awaitEnd(id: string, name: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT;
  let isAsked = false;
  for (let delay = 1; isLocked(id); delay = Math.min(delay * 2, 50)) {
    if (performance.now() > deadline) throw stillThere(name);
    const live = readLive(id);
    if (isRunning(live)) {
      // it was told to end, or was restarted before the monitor noticed that it must not be
      if (!(await hasEnded(live, Math.min(deadline - performance.now(), 1000)))) killAll(live);
      continue;
    }
    wakeMonitor(id, live);
    const hasFile = (name: string) => existsSync(join(containerFolder(id), name));
    if (!isAsked && hasFile('exit')) isAsked = signalMonitor(id, live, SIGTERM);
    if (live === undefined && hasFile('live')) killMonitor(id);
    await waitFor(delay);
  }
}

/** Whether PID 1 is alive; a zombie is not. */
export function isRunning(live: LiveRecord | undefined): live is LiveRecord {
  const entry = live === undefined ? undefined : readProcess(live.pid);
  return entry !== undefined && entry.start === live?.pidStart && entry.state !== 'Z';
}

/** Waits until PID 1 has ended. @param timeout in milliseconds; Infinity for no limit */
export async function hasEnded(live: LiveRecord, timeout: number): Promise<boolean> {
  const pidfd = openInit(live);
  if (pidfd === undefined) return true;
  try {
    return await waitUntilReadable(pidfd, timeout);
  } finally {
    closeSync(pidfd);
  }
}

function stillThere(name: string): FosterError {
  return new FosterError(`container ${name} did not end within ${END_TIMEOUT / 1000} s after it was killed`, {
    advice: `a process that waits for a device or a network file system cannot be killed: see 'foster top ${name}'`,
    exitCode: 1,
  });
}

/** The error of a command that needs a running container. */
export function notRunning(name: string): FosterError {
  return new FosterError(`container ${name} is not running`, {
    kind: 'conflict',
    advice: "'foster ps -a' shows its state",
    exitCode: 1,
  });
}
