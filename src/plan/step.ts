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
 * What is done from outside for PID 1 by whoever has started it, before PID 1 begins or while it waits: data, as a Step is.
 * The launcher (src/init/launcher.c) does them, in this order.
 */
export type HostStep = WriteFile | RunProgram | StartProgram | ResumeInit | HandMount;

interface HostStepBase {
  /** What for, as a phrase that completes "cannot ...". */
  why: string;
  /** What to do about it, by errno name; `*` for any, and for a program that fails. */
  advice?: Record<string, string>;
  /** What is done about it when the container has ended, or a later step fails: for people. */
  undo?: string;
}

/** Writes to a file of PID 1's below /proc/PID. */
export interface WriteFile extends HostStepBase {
  kind: 'write';
  file: string;
  text: string;
}

/** Stands for the pid of PID 1 as foster sees it. */
export const PID = { pid: 1 } as const;

/** Runs a program, which must end with exit code 0. Those that follow each other run side by side. */
export interface RunProgram extends HostStepBase {
  kind: 'run';
  /** Absolute path on the host. */
  path: string;
  /** argv; PID at most once, and not as the first. */
  args: (string | typeof PID)[];
}

/** Starts a program that goes on until the container has ended, and waits until it is ready. */
export interface StartProgram extends HostStepBase {
  kind: 'start';
  name: string;
  /** Of foster-init, which makes things ready for the program and becomes it. */
  args: string[];
  /** What of it is shown to people. */
  call: string;
  /** What may fail before the program runs, by the numbers that foster-init reports. */
  parts: Readonly<Record<number, { why: string; advice?: string }>>;
  /** How long it may take to end by itself when the container has ended, in milliseconds. */
  patience: number;
  /** What an error of PID 1 means that it gets when the program has ended too early. */
  loss: { errnos: readonly string[]; why: string; advice: string };
}

/** Lets PID 1 go on, which waits in its step `await`. */
export interface ResumeInit extends HostStepBase {
  kind: 'resume';
}

/**
 * Hands PID 1 a mount of the host whose files belong to the container's users: what user N of the host owns is user N's in
 * the container. Nobody in a user namespace may make one, so it is made from outside: mount_setattr(2), MOUNT_ATTR_IDMAP.
 */
export interface HandMount extends HostStepBase {
  kind: 'hand';
  /** Absolute path on the host. */
  source: string;
  /** With all that is mounted below. */
  isDeep: boolean;
  /** Devices on it can be used. */
  hasDevices: boolean;
  /** Without a shift of ids it is of no use. */
  isNeeded: boolean;
}

/** Everything that makes a container out of a process; see docs/architecture.md. */
export interface Plan {
  version: 1;
  /** Namespaces that clone(2) creates, names as in namespaces.ts. */
  namespaces: string[];
  /** What is done from outside, by whoever starts PID 1. */
  host: HostStep[];
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
