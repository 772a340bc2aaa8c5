import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { call } from '../../../src/sys/ffi.js';
import { waitUntil } from './wait.js';

/** A process as in /proc/PID/stat: proc_pid_stat(5). */
export interface Process {
  pid: number;
  parent: number;
  /** At most 15 bytes. */
  name: string;
  /** One letter: R, S, D, Z, T, t ... */
  state: string;
  /** CPU time used, in ticks of 1/100 s. */
  ticks: number;
}

/** Longer than any /proc/PID/stat. */
const buffer = Buffer.alloc(4096);

/** Undefined if it has ended. Tests look at all processes over and over: this takes half as long as readFileSync. */
function statOf(pid: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return undefined;
  }
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

export function readProcess(pid: number): Process | undefined {
  const text = statOf(pid);
  if (text === undefined) return undefined;
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent] = fields;
  return { pid, parent: Number(parent), name, state, ticks: Number(fields[11]) + Number(fields[12]) };
}

/** Its words, each terminated by a NUL byte; empty if it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** All processes of the machine, zombies too. */
export function allProcesses(): Process[] {
  return readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : [],
  );
}

/**
 * From now on all orphans among the descendants of this process become its children, so that none can hide from
 * `descendants` (prctl(2), PR_SET_CHILD_SUBREAPER).
 */
export function adoptOrphans(): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  call('int prctl(int option, unsigned long value)', PR_SET_CHILD_SUBREAPER, 1);
}

/**
 * All living descendants of `root`, without zombies, parents before children.
 * @param all the processes to find them among
 */
export function descendants(root = process.pid, all = allProcesses()): Process[] {
  const children = new Map<number, Process[]>();
  for (const each of all) {
    const siblings = children.get(each.parent);
    if (siblings === undefined) children.set(each.parent, [each]);
    else siblings.push(each);
  }
  const found: Process[] = [];
  const waiting = [root];
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    for (const child of children.get(pid) ?? []) {
      waiting.push(child.pid);
      if (child.state !== 'Z') found.push(child);
    }
  }
  return found;
}

/**
 * Waits for a process with that program name: so the shell that started it has finished its preparations, such as
 * giving it the terminal.
 * @param root its ancestor
 */
export async function waitForProcess(name: string, root = process.pid): Promise<Process> {
  return await waitUntil(`${name} runs`, () => descendants(root).find((each) => each.name === name));
}

/** Waits until there is no process with that name. */
export async function waitForNoProcess(name: string, root = process.pid): Promise<void> {
  await waitUntil(`no ${name} runs`, () => !descendants(root).some((each) => each.name === name));
}

/**
 * Waits until a process is blocked, seen ten times in a row: its output is not read any more. If that is wrong on a
 * busy machine, a test is only slightly weaker.
 */
export async function waitUntilBlocked(pid: number): Promise<void> {
  let looks = 0;
  let last = -1;
  await waitUntil(`process ${pid} is stuck`, () => {
    const { state, ticks = 0 } = readProcess(pid) ?? {};
    looks = state === 'S' && ticks === last ? looks + 1 : 0;
    last = ticks;
    return looks >= 10;
  });
}

/**
 * Reaps an orphan that `adoptOrphans` has made a child of this process, since Node does not. A PID namespace ends only
 * when all its processes are reaped. False while it is alive, or not yet a child.
 */
export function reap(pid: number): boolean {
  const WNOHANG = 1;
  try {
    return call('int waitpid(int pid, void *status, int options)', pid, null, WNOHANG) === pid;
  } catch {
    return false;
  }
}
