/**
 * A step of a plan: one system call, as data. foster-init makes the call; `--explain` and `--dry-run` print it as
 * strace(1) would; an error repeats its `why`.
 */
export interface Step {
  /** Name of the system call, or one of foster-init's own: `await`, `refork`, `renew`, `orphan`, `file_system`, `not_on`, `mount_of`, `netlink`. */
  call: string;
  args: Arg[];
  /** The purpose, as a phrase that completes "cannot ...": `mount a new /proc`. */
  why: string;
  /** The name under which later steps refer to the result. */
  result?: string;
  /** errno names that are no failure here. */
  ignore?: string[];
  /** What to do about it, by errno name; `*` for any. */
  advice?: Record<string, string>;
}

/**
 * An argument: a number; a string, which is passed NUL-terminated; null; the result of an earlier step; the address of
 * that result; a number with a name; bytes, which may contain pointers.
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
  /** At `offset`, 4 bytes where the result of an earlier step is stored, as an int. */
  holds?: { offset: number; result: string }[];
}

/**
 * A step that the process which starts PID 1 does from outside, while PID 1 waits. It is data, like a Step. The launcher
 * (src/init/launcher.c) does the steps in order.
 */
export type HostStep =
  | WriteFile
  | RunProgram
  | StartProgram
  | ResumeInit
  | HandMount
  | CgroupStep
  | ChangeNetwork;

interface HostStepBase {
  /** The purpose, as a phrase that completes "cannot ...". */
  why: string;
  /** What to do about it, by errno name; `*` for any, and for a program that fails. */
  advice?: Record<string, string>;
  /** How it is undone when the container has ended, or a later step fails: a phrase for users. */
  undo?: string;
}

/** Writes to a file of PID 1's below /proc/PID. */
export interface WriteFile extends HostStepBase {
  kind: 'write';
  file: string;
  text: string;
  /** Written by a process in the network holder's user namespace, which is the parent of PID 1's. */
  fromAbove?: true;
}

/** Sends rtnetlink(7) messages, each of which must be acknowledged. */
export interface ChangeNetwork extends HostStepBase {
  kind: 'netlink';
  /** The network namespace in which they are sent: the network holder's or PID 1's. */
  where: 'holder' | 'container';
  messages: Uint8Array;
  /** The offset in the messages at which the launcher writes the PID of PID 1, as 4 bytes. */
  pidAt?: number;
  /** The messages as commands of ip(8), for users. */
  call: string;
}

/** Stands for the pid of PID 1 as foster sees it. */
export const PID = { pid: 1 } as const;

/** Runs a program, whose exit code must be 0. Consecutive steps of this kind run in parallel. */
export interface RunProgram extends HostStepBase {
  kind: 'run';
  /** Absolute path on the host. */
  path: string;
  /** argv; PID at most once, and not as the first. */
  args: (string | typeof PID)[];
}

/** Starts a program that runs until the container has ended, and waits until it is ready. */
export interface StartProgram extends HostStepBase {
  kind: 'start';
  name: string;
  /** Arguments of foster-init, which prepares everything and then executes the program. */
  args: string[];
  /** The call as it is printed. */
  call: string;
  /** What can fail before the program runs, by the numbers that foster-init reports. */
  parts: Readonly<Record<number, { why: string; advice?: string }>>;
  /** Milliseconds that the program may take to exit by itself when the container has ended. */
  stopTimeout: number;
  /** The errors of PID 1's calls if the program has ended too early, and what they mean. */
  earlyExit: { errnos: readonly string[]; why: string; advice: string };
}

/** Lets PID 1 continue after its step `await`. */
export interface ResumeInit extends HostStepBase {
  kind: 'resume';
}

/**
 * Sends PID 1 a mount of the host with shifted ids: user N of the host is user N of the container. A process in a user
 * namespace may not make such a mount, so it is made from outside: mount_setattr(2), MOUNT_ATTR_IDMAP.
 */
export interface HandMount extends HostStepBase {
  kind: 'hand';
  /** Absolute path on the host. */
  source: string;
  /** The same, if no link is to be followed below a folder. */
  beneath?: { top: string; path: string };
  /** With all mounts below it. */
  isDeep: boolean;
  /** Devices on it can be used. */
  allowsDevices: boolean;
  /** It is an error if its ids cannot be shifted. */
  mustShift: boolean;
}

/** One action on a cgroup of the host, whose folder is an absolute path. */
export type CgroupStep = HostStepBase & { kind: 'cgroup'; folder: string } & (
    | { action: 'make' }
    /** It may exist already, and is removed only if it is empty. */
    | { action: 'make-shared' }
    | { action: 'write'; file: string; text: string }
    /** PID 1 moves into it. */
    | { action: 'enter' }
    /** All its processes move to another cgroup. */
    | { action: 'move-all'; to: string }
    /** `folder` is a line of /proc/PID/cgroup: waits until PID 1 is there. */
    | { action: 'await' }
  );

/** A cgroup of a container. */
export interface CgroupPlace {
  version: 1 | 2;
  controllers: string[];
  /** Absolute path of the cgroup that has the limits. */
  folder: string;
  /** Absolute path of the cgroup that has the processes. */
  inner: string;
  /** The systemd unit that it belongs to, if only systemd can add processes. */
  unit?: { busctl: string; address: string; name: string; inner: string };
}

/** The cgroup and the file in it that count OOM kills. */
export interface OomCount {
  folder: string;
  file: string;
}

/** All steps that make a container: see docs/architecture.md. */
export interface Plan {
  version: 1;
  /** Namespaces that clone(2) creates, names as in namespaces.ts. */
  namespaces: string[];
  /** Whether PID 1 makes its namespaces itself instead, in the user namespace of the network holder. */
  isNested: boolean;
  /** Steps that are done from outside, by the process that starts PID 1. */
  host: HostStep[];
  /** The cgroups that they make. */
  cgroup?: { places: CgroupPlace[]; oom?: OomCount };
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
  /** Whether the user's process gets a pseudo-terminal, whose master is sent to the monitor. */
  terminal: boolean;
  shim: boolean;
  verbose: boolean;
  signalGroup: boolean;
  /** Whether PID 1 reports each orphan that it reaps, and their number. */
  counts: boolean;
  /** Whether the PID namespace is another container's or the host's. */
  sharedPids: boolean;
  /** Whether PID 1 joins the PID namespace of another container. */
  joinsPids?: boolean;
  /** Whether it is that of a pod, whose PID 1 adopts the orphans. */
  isMember?: boolean;
  /** There is no program. */
  isIdle?: boolean;
  /** Milliseconds between SIGTERM and SIGKILL for processes that outlive the user's process. */
  graceMs: number;
  /** How many descriptors of the caller the program gets, from 3 on: those from FD.KEPT on of PID 1. */
  kept?: number;
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
  names.forEach((name) => {
    const bit = table[name];
    if (bit === undefined) throw new Error(`unknown flag ${name}`);
    value |= bit;
  });
  return { value: value >>> 0, text: names.length > 0 ? names.join('|') : '0' };
}

/** A constant that has a name. */
export function constant(text: string, value: number): Flags {
  return { value, text };
}
