import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SIGNAL_TO_INIT } from '../init/wire.js';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { waitFor } from '../sys/poll.js';
import { freeze, isFreezable, isFrozen, readCgroups } from './cgroups.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { type ProcessEntry, ProcessTable } from './processes/table.js';
import type { ContainerRecord } from './record.js';
import { notRunning, SIGCONT, SIGSTOP, signalProcess } from './signal.js';
import { type Container, type LiveRecord, readContainer, readLive } from './store.js';

/**
 * A container with a cgroup is frozen (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst). Without one, its processes get
 * SIGSTOP, which no process can catch, block or ignore, from the top of the process tree down, and SIGCONT from the bottom
 * up. So no running process, not even PID 1, sees a stopped child, and the job control of a shell does not notice.
 */

/** Lists the processes that were stopped before the pause, and stay stopped after it: `PID START` on each line. */
function pausedFile(id: string): string {
  return join(containerFolder(id), 'paused');
}

/**
 * Stops every process of a container.
 * @throws FosterError if it is not running or already paused; then all processes continue
 */
export async function pauseContainer({ record, state }: Container): Promise<void> {
  const { id, name } = record;
  if (state.status === 'paused') throw refused(`container ${name} is paused already`);
  if (state.status === 'restarting') {
    throw refused(`container ${name} is about to be started again`, 'wait until it runs');
  }
  const live = readLive(id);
  if (state.status !== 'running' || live === undefined) throw notRunning(name);
  const table = new ProcessTable();
  const members = table.members(live.pid, record);
  if (members[0]?.start !== live.pidStart) throw notRunning(name);
  const stopped = [...members, ...watchers(table, members)].filter(isStopped);
  // Before the first signal, so that "foster unpause" works even if this command is killed.
  const lines = stopped.map(({ pid, start }) => `${pid} ${start}\n`);
  writeFileAtomically(pausedFile(id), lines.join(''), { durable: false });
  try {
    if (freeze(readCgroups(id), true)) await untilFrozen(id, name);
    else await stopAll(live, record);
  } catch (error) {
    resume(id, live);
    throw error;
  }
  recordEvent('pause', record, attributesOf(record));
}

/** Resumes every process of a paused container. @throws FosterError if it is not paused */
export async function unpauseContainer({ record, state }: Container): Promise<void> {
  const { id, name } = record;
  const live = readLive(id);
  if (state.status !== 'paused' || live === undefined) throw refused(`container ${name} is not paused`);
  resume(id, live);
  recordEvent('unpause', record, attributesOf(record));
}

/** Resumes all processes that were not stopped before the pause. */
export function resume(id: string, live: LiveRecord): void {
  const places = readCgroups(id);
  if (isFreezable(places)) {
    freeze(places, false);
    rmSync(pausedFile(id), { force: true });
    return;
  }
  const before = new Set(readLines(pausedFile(id)));
  const wasRunning = ({ pid, start }: ProcessEntry) => !before.has(`${pid} ${start}`);
  const table = new ProcessTable();
  const members = table.members(live.pid, readContainer(id)?.record).reverse();
  for (const { pid, start } of members.filter(wasRunning)) {
    // PID 1 would pass SIGCONT on to the group of the user's process, and so to processes that must stay stopped.
    signalProcess(pid, start, SIGCONT, pid === live.pid ? SIGNAL_TO_INIT : undefined);
  }
  for (const watcher of watchers(table, members).filter(isStopped).filter(wasRunning)) {
    signalProcess(watcher.pid, watcher.start, SIGCONT);
  }
  rmSync(pausedFile(id), { force: true });
}

/**
 * The monitors whose child is a process of the container, in the foreground: of `foster exec`, and of a container without
 * foster-init as PID 1. When they see their child stop, they stop, too.
 */
function watchers(table: ProcessTable, members: ProcessEntry[]): ProcessEntry[] {
  const pids = new Set(members.map(({ pid }) => pid));
  return members
    .filter(({ parent }) => !pids.has(parent))
    .flatMap(({ parent }) => table.byPid.get(parent) ?? [])
    .filter(({ name }) => name.startsWith('foster-'));
}

/**
 * Returns when all processes are stopped. After SIGSTOP a process cannot fork any more, so at some time there are no new
 * processes. Each stops when it gets a CPU, or when the disk that it waits for (state D) has answered.
 */
async function stopAll(live: LiveRecord, record: ContainerRecord): Promise<void> {
  const DEADLINE = performance.now() + 10_000;
  const done = new Set<string>();
  for (let delay = 1; ; delay = Math.min(delay * 2, 20)) {
    const waiting = new ProcessTable()
      .members(live.pid, record)
      .filter(({ state }) => !/[TtZXD]/.test(state));
    const fresh = waiting.filter(({ pid, start }) => !done.has(`${pid} ${start}`));
    for (const { pid, start } of fresh) {
      signalProcess(pid, start, SIGSTOP);
      done.add(`${pid} ${start}`);
    }
    if (waiting.length === 0) return;
    if (performance.now() > DEADLINE) break;
    if (fresh.length === 0) await waitFor(delay);
  }
  throw refused(`container ${record.name} could not be stopped as a whole within 10 s`, 'try it again');
}

async function untilFrozen(id: string, name: string): Promise<void> {
  const DEADLINE = performance.now() + 10_000;
  for (let delay = 1; !isFrozen(readCgroups(id)); delay = Math.min(delay * 2, 20)) {
    if (performance.now() > DEADLINE)
      throw refused(`container ${name} could not be frozen as a whole within 10 s`, 'try it again');
    await waitFor(delay);
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
  return new FosterError(message, {
    kind: 'conflict',
    exitCode: 1,
    ...(advice === undefined ? {} : { advice }),
  });
}
