import { readFileSync } from 'node:fs';
import { readCgroups } from '../cgroups.js';
import { type Container, readLive } from '../store.js';
import { cgroupCpu, cgroupUsage } from './cgroup-usage.js';
import { totalMemory } from './columns.js';
import { ProcessMemory } from './memory.js';
import { type ProcessEntry, ProcessTable } from './table.js';

/** The CPU time of a container at a moment. */
export interface CpuSample {
  /** performance.now() */
  at: number;
  /** Of all its processes so far, in milliseconds. */
  cpu: number;
}

/** Resource usage of a container at a moment, in bytes unless noted. */
export interface Sample extends CpuSample {
  /** From its cgroup, like the other figures. Without one, shared pages count in part (PSS) if permitted, else in full (RSS). */
  memory: number;
  /** The limit of its cgroup, or the machine's memory. */
  memoryLimit: number;
  /** undefined if it shares the host's network. */
  network: { received: number; sent: number } | undefined;
  /** undefined without permission. */
  block: { read: number; written: number } | undefined;
  /** Number of threads, as counted by the pids controller of cgroups. */
  tasks: number;
}

const MS_PER_TICK = 10; // USER_HZ is 100 on all supported architectures

/** A container that samples are taken of. Its record, most of which is about something else, is not kept. */
export interface Measured {
  id: string;
  name: string;
  /** Milliseconds since 1970. */
  created: number;
  ownsNetwork: boolean;
  isInfra: boolean;
}

/** What samples need of a container. @param known what was found out before, which never changes */
export function measured({ record }: Container, known?: Measured): Measured {
  const { id, name, created, isInfra } = record;
  // the Spec is long, and the list parses it only when it is asked for
  const ownsNetwork =
    known?.ownsNetwork ?? record.spec.linux.namespaces.some(({ type }) => type === 'network');
  return { id, name, created: Date.parse(created), ownsNetwork, isInfra: isInfra ?? false };
}

/** Takes samples of containers. It remembers what it has found out about processes. */
export class Sampler {
  readonly #memory = new ProcessMemory();

  /** The CPU time of each running container, by id, all at about the same moment. */
  cpu(containers: Measured[]): Map<string, CpuSample> {
    return new Map(this.#running(containers).map(({ container: { id }, ...seen }) => [id, cpuOf(seen)]));
  }

  /** A sample of each running container, by id, all at about the same moment. */
  all(containers: Measured[]): Map<string, Sample> {
    const machine = totalMemory();
    const samples = new Map<string, Sample>();
    for (const { container, ...seen } of this.#running(containers)) {
      const { members, places } = seen;
      const cpu = cpuOf(seen);
      const { memory, memoryLimit, tasks, block } = cgroupUsage(places, machine);
      samples.set(container.id, {
        ...cpu,
        memory: memory ?? sum(members, memoryOf),
        memoryLimit: memoryLimit ?? machine,
        network: container.ownsNetwork ? networkOf(seen.init.pid) : undefined,
        block: block ?? blockOf(members),
        tasks: tasks ?? sum(members, ({ threads }) => threads),
      });
    }
    return samples;
  }

  /** Those that run, with their processes. */
  #running(containers: Measured[]): (Seen & { container: Measured })[] {
    const at = performance.now();
    const table = new ProcessTable(this.#memory);
    this.#memory.keepOnly(table.byPid);
    return containers.flatMap((container) => {
      const live = readLive(container.id);
      const members = live === undefined ? [] : table.members(live.pid, container);
      const [init] = members;
      if (init === undefined || init.start !== live?.pidStart) return [];
      return [{ container, at, init, members, places: readCgroups(container.id) }];
    });
  }
}

/** A container that runs. */
interface Seen {
  /** When its processes were read: performance.now(). */
  at: number;
  init: ProcessEntry;
  members: ProcessEntry[];
  places: ReturnType<typeof readCgroups>;
}

function cpuOf({ at, members, places }: Seen): CpuSample {
  const counted = cgroupCpu(places);
  return counted === undefined ? { at, cpu: sum(members, timeOf) } : { at: performance.now(), cpu: counted };
}

/** CPU usage between two samples, in percent of one CPU; more than 100 if several were used. */
export function cpuPercent(before: CpuSample | undefined, now: CpuSample): number {
  const time = before === undefined ? 0 : now.at - before.at;
  if (before === undefined || time <= 0) return 0;
  return Math.max(((now.cpu - before.cpu) / time) * 100, 0);
}

function sum(members: ProcessEntry[], of: (entry: ProcessEntry) => number): number {
  return members.reduce((total, entry) => total + of(entry), 0);
}

/** The time of a process that ends is added to the parent that reaps it, so nothing is lost or counted twice. */
function timeOf({ userTime, systemTime, childrenTime }: ProcessEntry): number {
  return (userTime + systemTime + childrenTime) * MS_PER_TICK;
}

function memoryOf({ pid, residentSize }: ProcessEntry): number {
  const share = /^Pss:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`))?.[1];
  return share === undefined ? residentSize : Number(share) * 1024;
}

/** All devices except the loopback: proc_pid_net(5). */
function networkOf(pid: number): Sample['network'] {
  return parseNetwork(readText(`/proc/${pid}/net/dev`));
}

/** The content of /proc/PID/net/dev. */
export function parseNetwork(text: string): { received: number; sent: number } {
  const total = { received: 0, sent: 0 };
  for (const line of text.split('\n').slice(2)) {
    const [, device, numbers = ''] = /^\s*(\S+?):\s*(.*)$/.exec(line) ?? [];
    if (device === undefined || device === 'lo') continue;
    const fields = numbers.split(/\s+/);
    total.received += Number(fields[0] ?? 0);
    total.sent += Number(fields[8] ?? 0);
  }
  return total;
}

/** As with CPU time, what ended processes have read and written is added to their parents: proc_pid_io(5). */
function blockOf(members: ProcessEntry[]): Sample['block'] {
  const total = { read: 0, written: 0 };
  for (const { pid, state } of members) {
    const [, read, written] =
      /^read_bytes: (\d+)\nwrite_bytes: (\d+)$/m.exec(readText(`/proc/${pid}/io`)) ?? [];
    if (read === undefined || written === undefined) {
      if (state === 'Z') continue;
      return undefined;
    }
    total.read += Number(read);
    total.written += Number(written);
  }
  return total;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8'); // of all encodings the fastest, and these files are ASCII
  } catch {
    return '';
  }
}
