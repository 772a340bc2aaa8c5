import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { errnoName } from '../../sys/errno.js';
import { SystemCallError } from '../../sys/ffi.js';
import { openPidfd } from '../../sys/libc.js';
import { processStart } from '../../sys/process.js';

/** A process as in /proc/PID/stat: proc_pid_stat(5). Times are in ticks of 1/100 s. */
export interface ProcessEntry {
  pid: number;
  /** Its name, at most 15 arbitrary bytes chosen by the process. */
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
  /** CPU time of children that it has reaped, and of theirs. */
  childrenTime: number;
  nice: number;
  threads: number;
  /** Start time since boot, which identifies the process together with the pid; the same as processStart(). */
  start: string;
  /** Bytes. */
  virtualSize: number;
  residentSize: number;
}

const PAGE_SIZE = process.arch === 'x64' ? 4096 : pageSize();

/** AT_PAGESZ of the auxiliary vector, since arm64 kernels have different sizes: getauxval(3). */
function pageSize(): number {
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8));
  }
  return 4096;
}

/** The process with this pid; undefined if there is none. */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The content of /proc/PID/stat. */
export function parseStat(text: string): ProcessEntry {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  /** Numbers as in the manual page. */
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
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

/** What is known of a process besides its entry. */
interface ProcessLookUp {
  /** As `namespaceOf`. */
  namespace(entry: ProcessEntry, type: 'mnt' | 'pid'): string | undefined;
  /** As `readIds`. */
  ids(entry: ProcessEntry): ProcessIds | undefined;
}

const LOOK_UP: ProcessLookUp = {
  namespace: ({ pid }, type) => namespaceOf(pid, type),
  ids: ({ pid }) => readIds(pid),
};

/** All visible processes of the machine, at about the same moment. */
export class ProcessTable {
  readonly byPid = new Map<number, ProcessEntry>();
  readonly #children = new Map<number, ProcessEntry[]>();
  readonly #inNamespace = {
    mnt: new Map<string, ProcessEntry[]>(),
    pid: new Map<string, ProcessEntry[]>(),
  };

  readonly #lookUp: ProcessLookUp;

  /** @param lookUp processes/memory.ts, for those who look more than once */
  constructor(lookUp: ProcessLookUp = LOOK_UP) {
    this.#lookUp = lookUp;
    for (const name of readdirSync('/proc')) {
      const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
      if (entry === undefined) continue;
      this.byPid.set(entry.pid, entry);
      append(this.#children, entry.parent, entry);
    }
  }

  /**
   * The processes of the container whose first process is `init`, parents before their children. If it has its own PID
   * namespace: all processes in it and in nested ones, including those of `foster exec`. If it shares the namespace:
   * the descendants of `init`, and all that are in its mount namespace, such as orphans that PID 1 has adopted.
   * @param options.isInfra it is PID 1 of a pod: other processes belong to other containers
   */
  members(init: number, { isInfra = false }: { isInfra?: boolean | undefined } = {}): ProcessEntry[] {
    const first = this.byPid.get(init);
    if (first === undefined) return [];
    if (isInfra) return [first];
    const roots = [first];
    if (!isInitOf(this.#lookUp.ids(first))) {
      const mounts = this.#lookUp.namespace(first, 'mnt');
      if (mounts !== undefined) roots.push(...this.#sharing('mnt', mounts));
    } else {
      const namespace = this.#lookUp.namespace(first, 'pid');
      const others = namespace === undefined ? [] : this.#sharing('pid', namespace);
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

  #sharing(type: 'mnt' | 'pid', namespace: string): ProcessEntry[] {
    const found = this.#inNamespace[type];
    if (found.size === 0) {
      for (const entry of this.byPid.values()) {
        const own = this.#lookUp.namespace(entry, type);
        if (own !== undefined) append(found, own, entry);
      }
    }
    return found.get(namespace) ?? [];
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The name of a namespace of a process, `pid:[4026531836]`; undefined without permission, and for zombies. */
export function namespaceOf(pid: number, type: 'mnt' | 'pid'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type}`);
  } catch {
    return undefined;
  }
}

/** Whether the process is PID 1 of another PID namespace. */
export function isNamespaceInit(pid: number): boolean {
  return isInitOf(readIds(pid));
}

function isInitOf(ids: ProcessIds | undefined): boolean {
  return ids !== undefined && ids.pids.length > 1 && ids.pids.at(-1) === 1;
}

/** Ids of a process in each of its PID namespaces, the current one first: proc_pid_status(5). */
export interface ProcessIds {
  pids: number[];
  groups: number[];
  sessions: number[];
  /** Its effective user in the current user namespace. */
  user: number;
}

export function readIds(pid: number): ProcessIds | undefined {
  const text = readStatus(pid);
  if (text === '') return undefined;
  const numbers = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.split(/\s+/).map(Number) ?? [];
  return {
    pids: numbers('NSpid'),
    groups: numbers('NSpgid'),
    sessions: numbers('NSsid'),
    user: numbers('Uid')[1] ?? 0,
  };
}

/** '' if there is no such process. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** Longer command lines are truncated: a process can have one of megabytes. */
const MAX_COMMAND = 4096;

/** The command line of a process, as in ps: its arguments, or `[name]` if it has none. */
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
 * A pidfd of the process with this pid and start time, never of a later process with the same pid. Undefined if it is
 * gone.
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
  // Checked after opening: the descriptor belongs to the process that has the pid now.
  if (processStart(pid) === start) return pidfd;
  closeSync(pidfd);
  return undefined;
}
