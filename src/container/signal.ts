import { closeSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { signalPidfd } from '../sys/libc.js';
import { containerFolder } from '../sys/paths.js';
import { waitFor, waitUntilReadable } from '../sys/poll.js';
import { hasFileOpen } from '../sys/process.js';
import { isNamespaceInit, openProcess, ProcessTable, readProcess } from './processes/table.js';
import { isLocked, type LiveRecord, readLive, readRestart } from './store.js';

export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIGCONT = 18;
export const SIGSTOP = 19;

/** How long the kernel and the monitor may take to end what was killed, in milliseconds. */
const END_TIMEOUT = 10_000;

/**
 * Notes that a person wants the container to end, so that its monitor does not start it again.
 * @param options.isShutdown it ends with the machine: the next boot starts it again
 */
export function markStopped(id: string, { isShutdown = false }: { isShutdown?: boolean } = {}): void {
  try {
    if (isShutdown) writeFileSync(join(containerFolder(id), 'shutdown'), '', { mode: 0o600 });
    writeFileSync(join(containerFolder(id), 'stopped'), '', { mode: 0o600 });
  } catch (error) {
    // it has just ended and been removed, by --rm or by another command
    if (errnoOf(error) === 'ENOENT' || readRestart(id).policy === 'no') return;
    throw new FosterError(`cannot record that the container must not be restarted: ${wordsOf(error)}`, {
      advice: 'free some space on that disk, or "foster update --restart no" first',
      exitCode: 1,
      cause: error,
    });
  }
}

function wordsOf(error: unknown): string {
  const code = errnoOf(error);
  return code === undefined ? String(error) : errnoWords(errnoNumber(code));
}

/** A pidfd of PID 1; undefined when it has ended. To be closed. */
export function openInit(live: LiveRecord | undefined): number | undefined {
  return live === undefined ? undefined : openProcess(live.pid, live.pidStart);
}

/** Sends a signal to PID 1, which passes it on to the user's process. False when it has ended. */
export function signalInit(live: LiveRecord | undefined, signal: number): boolean {
  return live !== undefined && signalProcess(live.pid, live.pidStart, signal);
}

/** Sends a signal to the process with this pid and start, with a value as sigqueue(3) does. False when it has ended. */
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
 * Kills every process of the container. In a PID namespace of its own the death of PID 1 is the death of all; in one
 * that it shares, its processes are killed until there are none.
 */
export function killAll(live: LiveRecord): void {
  const { pid, pidStart } = live;
  if (isNamespaceInit(pid)) {
    signalProcess(pid, pidStart, SIGKILL);
    return;
  }
  const MAX_ROUNDS = 100; // against one that forks faster than we look
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const [init, ...others] = new ProcessTable().members(pid);
    const targets = others.filter(({ state }) => state !== 'Z');
    if (init?.start !== pidStart || targets.length === 0) break;
    for (const target of targets) signalProcess(target.pid, target.start, SIGKILL);
  }
  signalProcess(pid, pidStart, SIGKILL);
}

/**
 * Sends a signal to the container's monitor. That a process has the container's folder open tells that it is the
 * monitor, and not a later process with its number. False when it is gone.
 */
export function signalMonitor(id: string, live: LiveRecord | undefined, signal: number): boolean {
  const monitor = live === undefined ? undefined : readProcess(live.monitor);
  if (monitor === undefined || !hasFileOpen(monitor.pid, containerFolder(id))) return false;
  return signalProcess(monitor.pid, monitor.start, signal);
}

/** Kills the monitor of a container whose `live` is damaged, and so the container. */
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
 * Waits until PID 1, which has been asked to end, and the monitor have ended and the container's lock is free. Of a container
 * that waits to be started again the monitor is told to end; `markStopped` comes before.
 * @throws FosterError when that takes more than 10 s
 */
export async function awaitEnd(id: string, name: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT;
  let isAsked = false;
  for (let delay = 1; isLocked(id); delay = Math.min(delay * 2, 50)) {
    if (performance.now() > deadline) throw stillThere(name);
    const live = readLive(id);
    if (isRunning(live)) {
      // asked to end, or restarted before the monitor has read that it must not be
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

/** Whether PID 1 lives; a zombie does not. */
export function isRunning(live: LiveRecord | undefined): live is LiveRecord {
  const entry = live === undefined ? undefined : readProcess(live.pid);
  return entry !== undefined && entry.start === live?.pidStart && entry.state !== 'Z';
}

/** Waits until PID 1 has ended. @param timeout in milliseconds; Infinity for none */
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

/** The error for a command that needs a container that runs. */
export function notRunning(name: string): FosterError {
  return new FosterError(`container ${name} is not running`, {
    kind: 'conflict',
    advice: "'foster ps -a' shows its state",
    exitCode: 1,
  });
}
