import { readFileSync } from 'node:fs';
import { readCgroups } from '../cgroups.js';
import { type Container, readLive } from '../store.js';
import { cgroupUsage } from './cgroup-usage.js';
import { totalMemory } from './columns.js';
import { type ProcessEntry, ProcessTable } from './table.js';

/** Resource usage of a container at a moment, in bytes unless noted. */
export interface Sample {
  /** performance.now() */
  at: number;
  /** CPU time of all its processes so far, in milliseconds. */
  cpu: number;
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

/** A sample of each running container, by id, all at about the same moment. */
export function sampleContainers(containers: Container[]): Map<string, Sample> {
  const table = new ProcessTable();
  const memoryLimit = totalMemory();
  const samples = new Map<string, Sample>();
  for (const { record } of containers) {
    const live = readLive(record.id);
    const members = live === undefined ? [] : table.members(live.pid);
    const [init] = members;
    if (init === undefined || init.start !== live?.pidStart) continue;
    const {
      cpu,
      memory,
      memoryLimit: limit,
      tasks,
      block,
    } = cgroupUsage(readCgroups(record.id), memoryLimit);
    const ownsNetwork = record.spec.linux.namespaces.some(({ type }) => type === 'network');
    samples.set(record.id, {
      at: performance.now(),
      cpu: cpu ?? sum(members, cpuOf),
      memory: memory ?? sum(members, memoryOf),
      memoryLimit: limit ?? memoryLimit,
      network: ownsNetwork ? networkOf(init.pid) : undefined,
      block: block ?? blockOf(members),
      tasks: tasks ?? sum(members, ({ threads }) => threads),
    });
  }
  return samples;
}

/** CPU usage between two samples, in percent of one CPU; more than 100 if several were used. */
export function cpuPercent(before: Sample | undefined, now: Sample): number {
  const time = before === undefined ? 0 : now.at - before.at;
  if (before === undefined || time <= 0) return 0;
  return Math.max(((now.cpu - before.cpu) / time) * 100, 0);
}

function sum(members: ProcessEntry[], of: (entry: ProcessEntry) => number): number {
  return members.reduce((total, entry) => total + of(entry), 0);
}

/** The time of a process that ends is added to the parent that reaps it, so nothing is lost or counted twice. */
function cpuOf({ userTime, systemTime, childrenTime }: ProcessEntry): number {
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
    const text = readText(`/proc/${pid}/io`);
    const [read, written] = ['read_bytes', 'write_bytes'].map(
      (name) => new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1],
    );
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
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
