import { closeSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { containerFolder } from '../paths.js';
import { signalPidfd } from '../sys/libc.js';
import { attributesOf, recordEvent } from './events.js';
import { writeWhole } from './files.js';
import { openProcess, type ProcessEntry, ProcessTable, readProcess } from './processes.js';
import { notRunning, SIGCONT, SIGSTOP, signalMonitor } from './signal.js';
import { type Container, type LiveRecord, readLive } from './store.js';

/**
 * Pausing without a cgroup of the container's own to freeze: SIGSTOP, which no process can see, block or ignore, from
 * the top of the process tree down, and SIGCONT from the bottom up. So no process that runs sees a child of its own
 * stopped, PID 1 included, and a shell's job control takes no notice.
 */

/** Processes that were stopped before the pause: they stay so after it. `PID START` a line, in the file `paused`. */
function pausedFile(id: string): string {
  return join(containerFolder(id), 'paused');
}

/**
 * Stops every process of a container.
 * @throws FosterError when it does not run or is paused already; then all goes on
 */
export async function pauseContainer({ record, state }: Container): Promise<void> {
  const { id, name } = record;
  if (state.status === 'paused') throw refused(`container ${name} is paused already`);
  if (state.status === 'restarting') {
    throw refused(`container ${name} is about to be started again`, 'wait until it runs');
  }
  const live = readLive(id);
  if (state.status !== 'running' || live === undefined) throw notRunning(name);
  const members = new ProcessTable().members(live.pid);
  if (members[0]?.start !== live.pidStart) throw notRunning(name);
  const monitor = readProcess(live.monitor);
  const stopped = [...members, ...(monitor ? [monitor] : [])].filter(isStopped);
  // Before the first signal: whatever kills this command, "foster unpause" knows what to do.
  const lines = stopped.map(({ pid, start }) => `${pid} ${start}\n`);
  writeWhole(pausedFile(id), lines.join(''), { durable: false });
  try {
    stopAll(live, name);
  } catch (error) {
    resume(id, live);
    throw error;
  }
  recordEvent('pause', record, attributesOf(record));
}

/** Lets every process of a paused container go on. @throws FosterError when it is not paused */
export async function unpauseContainer({ record, state }: Container): Promise<void> {
  const { id, name } = record;
  const live = readLive(id);
  if (state.status !== 'paused' || live === undefined) throw refused(`container ${name} is not paused`);
  resume(id, live);
  recordEvent('unpause', record, attributesOf(record));
}

/** Lets all go on that was not stopped before the pause. */
export function resume(id: string, live: LiveRecord): void {
  const before = new Set(readLines(pausedFile(id)));
  const members = new ProcessTable().members(live.pid).reverse();
  for (const member of members) {
    if (!before.has(`${member.pid} ${member.start}`)) send(member, SIGCONT);
  }
  // Without a PID 1 of ours the monitor in the foreground saw the user's process stop, and stopped itself.
  const monitor = readProcess(live.monitor);
  if (monitor !== undefined && isStopped(monitor) && !before.has(`${monitor.pid} ${monitor.start}`)) {
    signalMonitor(id, live, SIGCONT);
  }
  rmSync(pausedFile(id), { force: true });
}

/** A process that has been sent SIGSTOP cannot fork any more, so that a look finds nobody new in the end. */
function stopAll(live: LiveRecord, name: string): void {
  const MAX_ROUNDS = 1000;
  const done = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const fresh = new ProcessTable()
      .members(live.pid)
      .filter(({ pid, start, state }) => state !== 'Z' && !done.has(`${pid} ${start}`));
    if (fresh.length === 0) return;
    for (const member of fresh) {
      send(member, SIGSTOP);
      done.add(`${member.pid} ${member.start}`);
    }
  }
  throw refused(`container ${name} makes processes faster than they can be stopped`, 'try it again');
}

function send({ pid, start }: ProcessEntry, signal: number): void {
  const pidfd = openProcess(pid, start);
  if (pidfd === undefined) return;
  try {
    signalPidfd(pidfd, signal);
  } finally {
    closeSync(pidfd);
  }
}

function isStopped({ state }: ProcessEntry): boolean {
  return state === 'T';
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}

function refused(message: string, advice?: string): FosterError {
  return new FosterError(message, { exitCode: 1, ...(advice === undefined ? {} : { advice }) });
}
