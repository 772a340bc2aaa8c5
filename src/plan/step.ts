import type { IdMaps } from '../spec/id-maps.js';

export type { IdMaps };

/**
 * A step of a plan: one system call, as data. foster-init makes the call; `--explain` and `--dry-run` print it as
 * strace(1) would; an error repeats its `why`.
 */
export interface Step {
  /** Name of the system call, or `await`, `refork` and `orphan`, which foster-init understands beside them. */
  call: string;
  args: Arg[];
  /** What for, as a phrase that completes "cannot ...": `mount a new /proc`. */
  why: string;
  /** The result is kept under this name, for later steps. */
  result?: string;
  /** errno names that do not count as a failure here. */
  ignore?: string[];
  /** What to do about it, by errno name; `*` for any. */
  advice?: Record<string, string>;
}

/**
 * An argument: a number; a string, handed over NUL-terminated; null; the result of an earlier step; the address of
 * that result; a number that reads better as text; bytes, into which pointers may be set.
 */
export type Arg = number | string | null | ResultOf | AddressOf | Flags | Bytes;

export interface ResultOf {
  result: string;
}

export interface AddressOf {
  addressOf: string;
}

export interface Flags {
  value: number;
  text: string;
}

export interface Bytes {
  bytes: Uint8Array;
  text: string;
  /** At `offset`, 8 bytes that become the address of `to`. */
  pointers?: { offset: number; to: string | Bytes }[];
  /** At `offset`, 4 bytes that become the result of an earlier step, as an int. */
  holds?: { offset: number; result: string }[];
}

/**
 * A mount of the host whose files belong to the container's users: what user N of the host owns is user N's in the
 * container. Nobody in a user namespace may make one, so it is made from outside: mount_setattr(2), MOUNT_ATTR_IDMAP.
 */
export interface HandedMount {
  /** Absolute path on the host. */
  source: string;
  /** With all that is mounted below. */
  isDeep: boolean;
  /** Devices on it can be used. */
  hasDevices: boolean;
  /** Without a shift of ids it is of no use. */
  isNeeded: boolean;
  /** What for, as a phrase that completes "cannot ...". */
  why: string;
}

/** Everything that makes a container out of a process; see docs/architecture.md. */
export interface Plan {
  version: 1;
  /** Namespaces that clone(2) creates, names as in namespaces.ts. */
  namespaces: string[];
  /** Id maps the parent writes before PID 1 goes on; undefined without a user namespace of our own. */
  idMaps?: IdMaps;
  /** Mounts that the parent makes, and hands to PID 1 in this order: see handed-mounts.ts. */
  handed?: HandedMount[];
  /** The program that mounts the root file system in PID 1's namespaces before PID 1 goes on. */
  storage?: StorageProgram;
  /** Steps of PID 1. */
  init: Step[];
  /** Steps of the user's process before it executes its program. */
  process: Step[];
  program: {
    /** Absolute paths inside the container, tried in this order. */
    paths: string[];
    argv: string[];
    env: string[];
  };
  /** The user's process gets a pseudo-terminal; its master is sent to the monitor. */
  terminal: boolean;
  shim: boolean;
  verbose: boolean;
  signalGroup: boolean;
  /** PID 1 reports each orphan that it reaps, and how many there were. */
  counts: boolean;
  /** The PID namespace has other inhabitants, or is the host's. */
  sharedPids: boolean;
  /** Milliseconds between TERM and KILL for those who outlive the user's process. */
  graceMs: number;
}

/** A step: `step('mkdir /proc', 'mkdirat', [CWD, '/proc', 0o755], {ignore: ['EEXIST']})`. */
export function step(
  why: string,
  call: string,
  args: Arg[],
  options: Omit<Step, 'why' | 'call' | 'args'> = {},
): Step {
  return { call, args, why, ...options };
}

/** A number made of named bits, printed by their names: `flags(MS, 'MS_NOSUID', 'MS_NODEV')`. */
export function flags(table: Readonly<Record<string, number>>, ...names: string[]): Flags {
  let value = 0;
  for (const name of names) {
    const bit = table[name];
    if (bit === undefined) throw new Error(`unknown flag ${name}`);
    value |= bit;
  }
  return { value: value >>> 0, text: names.length > 0 ? names.join('|') : '0' };
}

/** A constant that has a name. */
export function constant(text: string, value: number): Flags {
  return { value, text };
}

/** What fuse-overlayfs lays over each other, and where: absolute paths of the host. */
export interface StorageProgram {
  /** The program itself. */
  program: string;
  /** A folder with `root`, the place to mount on, and `upper` and `work`, which are made where they are missing. */
  container: string;
  /** The uppermost first. */
  layers: readonly string[];
}
