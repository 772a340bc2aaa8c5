/** What `foster watch` and others who look at containers again and again see: plain data. */

/** A process outside and inside its container. */
export interface ProcessName {
  hostPid: number;
  /** Its pid in the container's PID namespace; undefined if it has just ended. */
  pid: number | undefined;
  /** At most 15 arbitrary bytes that the process has chosen: proc_pid_comm(5). */
  name: string;
}

export interface WatchedProcess extends ProcessName {
  /** When it started, in clock ticks since boot: identifies it together with the pid. */
  start: string;
  /** The host's pid of its parent. */
  parent: number;
  /** One letter: R running, S sleeping, D in an uninterruptible sleep, T stopped, t traced, Z zombie. */
  state: string;
  command: string;
  threads: number;
  /** Percent of one CPU since the last look. */
  cpu: number;
  /** Resident memory in bytes. */
  memory: number;
  /** How deep it is in the tree, and whether it and its ancestors are the last children of their parents. */
  lasts: boolean[];
  /** Set if it came by `foster exec`. */
  joined?: true;
  /** Set if PID 1 has adopted it: who left it, if that was seen, and what the kernel still knows. */
  adopted?: { from?: ProcessName; session?: number; group?: number };
}

export interface WatchedContainer {
  id: string;
  name: string;
  image: string;
  status: string;
  /** The host's pid of PID 1. */
  hostPid: number;
  /** Percent of one CPU, of all its processes; bytes, as its cgroup counts them or, without one, the resident memory of all. */
  cpu: number;
  memory: number;
  /** How many orphans PID 1 has adopted and reaped since it started, as far as it counts them. */
  counts?: { adopted: number; reaped: number };
  /** Parents before their children. */
  processes: WatchedProcess[];
}

export interface Snapshot {
  /** Milliseconds since 1970. */
  at: number;
  containers: WatchedContainer[];
}

/** Something that has happened between two looks, in a container. */
export type WatchEvent = {
  /** Milliseconds since 1970. */
  at: number;
  /** The name of the container. */
  container: string;
  containerId: string;
} & (
  | { type: 'up' | 'down' }
  /** A process has begun. */
  | { type: 'start'; process: ProcessName; parent?: ProcessName }
  /** It executes another program now. */
  | { type: 'exec'; process: ProcessName; before: string }
  /** It has ended, and its parent has not waited for it. */
  | { type: 'zombie'; process: ProcessName; parent?: ProcessName }
  /** A process has ended and was reaped; a zombie is gone. `from` was its parent, and has ended, too: who has reaped it is not known. */
  | { type: 'exit' | 'reap'; process: ProcessName; parent?: ProcessName; from?: ProcessName }
  /** Its parent has ended; `parent` is its new one. */
  | { type: 'adopt'; process: ProcessName; parent?: ProcessName; from?: ProcessName }
  | { type: 'stop' | 'continue'; process: ProcessName }
);
