import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { errnoName } from '../../sys/errno.js';
import { SystemCallError } from '../../sys/ffi.js';
import { openPidfd } from '../../sys/libc.js';
import { processStart } from '../../sys/process.js';

/** A process as /proc/PID/stat shows it: proc_pid_stat(5). Times in ticks of 1/100 s. */
export interface ProcessEntry {
  pid: number;
  /** Its name, at most 15 bytes; a process chooses it, so it may hold anything. */
  name: string;
  /** R running, S sleeping, D in an uninterruptible sleep, T stopped, t traced, Z zombie. */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Device number of the controlling terminal; 0 without one. */
  terminal: number;
  userTime: number;
  systemTime: number;
  /** Used by children that it has waited for, and by theirs. */
  childrenTime: number;
  nice: number;
  threads: number;
  /** Since boot. With the pid it means this process and no later one; processStart() has it too. */
  start: string;
  /** Bytes. */
  virtualSize: number;
  residentSize: number;
}

const PAGE_SIZE = process.arch === 'x64' ? 4096 : pageSize();

/** AT_PAGESZ of the auxiliary vector, since kernels for arm64 come with several sizes: getauxval(3). */
function pageSize(): number {
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8));
  }
  return 4096;
}

/** The process with this pid; undefined where there is none. */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The content of /proc/PID/stat. */
export function parseStat(text: string): ProcessEntry {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  /** By the numbers of the manual page. */
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number(text.slice(0, open)),
    name: Buffer.from(text.slice(open + 1, close), 'latin1').toString(),
    state: fields[0] ?? '?',
    parent: field(4),
    group: field(5),
    session: field(6),
    terminal: field(7),
    userTime: field(14),
    systemTime: field(15),
    childrenTime: field(16) + field(17),
    nice: field(19),
    threads: field(20),
    start: fields[22 - 3] ?? '',
    virtualSize: field(23),
    residentSize: field(24) * PAGE_SIZE,
  };
}

/** All processes of the machine that we can see, at about one moment. */
export class ProcessTable {
  readonly byPid = new Map<number, ProcessEntry>();
  readonly #children = new Map<number, ProcessEntry[]>();
  readonly #inNamespace = new Map<string, ProcessEntry[]>();

  constructor() {
    for (const name of readdirSync('/proc')) {
      const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
      if (entry === undefined) continue;
      this.byPid.set(entry.pid, entry);
      append(this.#children, entry.parent, entry);
    }
  }

  /**
   * The processes of the container whose first process is `init`, parents before their children. It has its PID
   * namespace to itself: all that are in there, and in namespaces further down, also those that `foster exec` brought
   * in. It shares the namespace: those that descend from `init`.
   */
  members(init: number): ProcessEntry[] {
    const first = this.byPid.get(init);
    if (first === undefined) return [];
    const roots = [first];
    if (isNamespaceInit(init)) {
      const namespace = pidNamespace(init);
      const others = namespace === undefined ? [] : this.#sharing(namespace);
      const pids = new Set(others.map(({ pid }) => pid));
      roots.push(...others.filter(({ pid, parent }) => pid !== init && !pids.has(parent)));
    }
    const found = new Set<ProcessEntry>();
    for (const root of roots) this.#descend(root, found);
    return [...found];
  }

  #descend(root: ProcessEntry, found: Set<ProcessEntry>): void {
    const waiting = [root];
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      if (found.has(entry)) continue;
      found.add(entry);
      waiting.push(...(this.#children.get(entry.pid) ?? []));
    }
  }

  #sharing(namespace: string): ProcessEntry[] {
    if (this.#inNamespace.size === 0) {
      for (const entry of this.byPid.values()) {
        const own = pidNamespace(entry.pid);
        if (own !== undefined) append(this.#inNamespace, own, entry);
      }
    }
    return this.#inNamespace.get(namespace) ?? [];
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The name of the process's PID namespace, `pid:[4026531836]`; undefined where it may not be known, or is a zombie's. */
function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Whether the process is PID 1 of a PID namespace that is not ours. */
export function isNamespaceInit(pid: number): boolean {
  const ids = readIds(pid);
  return ids !== undefined && ids.pids.length > 1 && ids.pids.at(-1) === 1;
}

/** Ids of a process in each PID namespace that it is in, ours first: the lines of proc_pid_status(5). */
export interface ProcessIds {
  pids: number[];
  groups: number[];
  sessions: number[];
  /** Its effective user, in our numbers. */
  user: number;
}

export function readIds(pid: number): ProcessIds | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return undefined;
  }
  const numbers = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.split(/\s+/).map(Number) ?? [];
  return {
    pids: numbers('NSpid'),
    groups: numbers('NSpgid'),
    sessions: numbers('NSsid'),
    user: numbers('Uid')[1] ?? 0,
  };
}

/** Longer command lines are cut: nobody reads them, and a process may make one of megabytes. */
const MAX_COMMAND = 4096;

/** What the process was started with, as ps shows it: the arguments, or `[name]` where it has none. */
export function commandLine({ pid, name }: ProcessEntry): string {
  try {
    const file = openSync(`/proc/${pid}/cmdline`, 'r');
    try {
      const buffer = Buffer.alloc(MAX_COMMAND);
      const text = buffer.toString('utf8', 0, readSync(file, buffer)).replace(/\0+$/, '');
      if (text !== '') return text.replaceAll('\0', ' ');
    } finally {
      closeSync(file);
    }
  } catch {
    // it has just ended
  }
  return `[${name}]`;
}

/**
 * A pidfd of the process that had `pid` and started at `start`: a later process with its number is never meant.
 * Undefined when it is gone.
 * @throws SystemCallError
 */
export function openProcess(pid: number, start: string): number | undefined {
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch (error) {
    if (error instanceof SystemCallError && errnoName(error.errno) === 'ESRCH') return undefined;
    throw error;
  }
  // Looked at after the opening: whatever has the pid now is what the descriptor is of.
  if (processStart(pid) === start) return pidfd;
  closeSync(pidfd);
  return undefined;
}
