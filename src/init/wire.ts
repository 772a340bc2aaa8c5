import type { Arg, Bytes, CgroupStep, HostStep, Plan, Step } from '../plan/step.js';
import type { HealthCheck } from '../spec/request.js';
import { errnoNumber } from '../sys/errno.js';
import { syscallNumber } from '../sys/syscall-numbers.js';
import { wire } from '../sys/wire-constants.js';
import { Blob } from './blob.js';

export const { CLONE_STEP, HOST_STEP, REPORT_SIZE, SIGNAL_TO_INIT, STATE_STEP } = wire;

/**
 * The encoder for wire.h, beside this file. The constants are in sys/wire-constants.ts. Numbers are little endian, as on both
 * architectures that foster-init supports.
 */
const SPECIAL: Readonly<Record<string, number>> = {
  await: wire.STEP_AWAIT,
  refork: wire.STEP_REFORK,
  renew: wire.STEP_RENEW,
  orphan: wire.STEP_ORPHAN,
  file_system: wire.STEP_FILE_SYSTEM,
  not_on: wire.STEP_NOT_ON,
  mount_of: wire.STEP_MOUNT_OF,
  netlink: wire.STEP_NETLINK,
  probe: wire.STEP_PROBE,
};

/** Where the results of steps are stored, by name. */
class Results {
  readonly #slots = new Map<string, number>();
  constructor(private readonly blob: Blob) {}

  /** Where a step stores the result `name`: in the struct that contains it, or in a slot of its own. */
  slotFor(name: string): number {
    const slot = this.#slots.get(name) ?? this.blob.reserve(4);
    this.#slots.set(name, slot);
    return slot;
  }

  place(name: string, at: number): void {
    this.#slots.set(name, at);
  }

  slotOf(name: string): number {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`no step before this one keeps the result ${name}`);
    return slot;
  }
}

/** struct plan of wire.h. With `trace`, foster-init reports every step. */
export function encodePlan(plan: Plan, options: { trace: boolean }): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(wire.PLAN_SIZE);
  const steps = [...plan.init, ...plan.process];
  const table = blob.reserve(steps.length * wire.STEP_SIZE);
  const results = new Results(blob);
  // A struct that contains a result must have its offset before the step with that result is encoded.
  const structs = new Map<Bytes, number>();
  // forEach here and below: the iterators of a thousand arrays would make the start of a container half a millisecond slower
  steps.forEach(({ args }) => {
    args.forEach((arg) => {
      if (arg !== null && typeof arg === 'object' && 'bytes' in arg)
        structs.set(arg, encodeBytes(blob, results, arg));
    });
  });
  steps.forEach((step, index) => {
    encodeStep(blob, results, structs, table + index * wire.STEP_SIZE, step);
  });
  const programs = blob.texts(plan.program.paths);
  const argv = blob.texts(plan.program.argv);
  const envp = blob.texts(plan.program.env);
  const relocations = blob.reserve(blob.relocations.length * 4);
  blob.relocations.forEach((at, index) => {
    blob.u32(relocations + index * 4, at);
  });

  blob.struct(header, wire.PLAN_OFFSETS, {
    magic: wire.MAGIC,
    version: wire.VERSION,
    size: blob.size,
    flags:
      (plan.shim ? wire.PLAN_SHIM : 0) |
      (options.trace ? wire.PLAN_TRACE : 0) |
      (plan.verbose ? wire.PLAN_VERBOSE : 0) |
      (plan.signalGroup ? wire.PLAN_GROUP : 0) |
      (plan.sharedPids ? wire.PLAN_SHARED : 0) |
      (plan.isMember ? wire.PLAN_MEMBER : 0) |
      (plan.isIdle ? wire.PLAN_IDLE : 0) |
      (plan.counts ? wire.PLAN_COUNTS : 0) |
      (plan.isNested ? wire.PLAN_NESTED : 0),
    steps: table,
    init_steps: plan.init.length,
    process_steps: plan.process.length,
    relocations,
    relocation_count: blob.relocations.length,
    programs,
    argv,
    envp,
    grace_ms: plan.graceMs,
    kept: plan.kept ?? 0,
  });
  return blob.bytes;
}

function encodeStep(blob: Blob, results: Results, structs: Map<Bytes, number>, at: number, step: Step): void {
  const offsets = wire.STEP_OFFSETS;
  let kinds = 0;
  step.args.forEach((arg, index) => {
    kinds |= encodeArg(blob, results, structs, at + offsets.arguments + index * 8, arg) << (2 * index);
  });
  blob.u32(at + offsets.number, SPECIAL[step.call] ?? syscallNumber(step.call));
  blob.u32(at + offsets.kinds, kinds);
  blob.u32(at + offsets.store, step.result === undefined ? 0 : results.slotFor(step.result));
  step.ignore?.forEach((name, index) => {
    blob.u8(at + offsets.ignore + index, errnoNumber(name));
  });
}

/** Returns the kind of the argument. */
function encodeArg(blob: Blob, results: Results, structs: Map<Bytes, number>, at: number, arg: Arg): number {
  if (arg === null) return wire.ARG_NUMBER;
  if (typeof arg === 'string') {
    blob.s64(at, blob.text(arg));
    return wire.ARG_POINTER;
  }
  if (typeof arg === 'number' || 'value' in arg) {
    blob.s64(at, typeof arg === 'number' ? arg : arg.value);
    return wire.ARG_NUMBER;
  }
  if ('result' in arg) {
    blob.s64(at, results.slotOf(arg.result));
    return wire.ARG_STORED;
  }
  blob.s64(at, 'addressOf' in arg ? results.slotOf(arg.addressOf) : (structs.get(arg) ?? 0));
  return wire.ARG_POINTER;
}

function encodeBytes(blob: Blob, results: Results, arg: Bytes): number {
  const at = blob.put(arg.bytes);
  for (const { offset, to } of arg.pointers ?? []) {
    blob.pointer(at + offset, typeof to === 'string' ? blob.text(to) : encodeBytes(blob, results, to));
  }
  for (const { offset, result } of arg.holds ?? []) results.place(result, at + offset);
  return at;
}

/** What a monitor gets: see struct monitor of wire.h. */
export interface MonitorOptions {
  /** PID 1, in our PID namespace; 0 if the monitor starts it. */
  pid: number;
  /** Host steps, which the monitor undoes at the end; `results` if they are done already: `hostResults`. */
  host?: { steps: readonly HostStep[]; results?: readonly number[] } | undefined;
  terminal: boolean;
  interactive: boolean;
  verbose: boolean;
  shim: boolean;
  userNamespace: boolean;
  /** A process that has joined a container: it has no state on disk. */
  stateless: boolean;
  /** The container, for its events. */
  subject?: { id: string; name: string } | undefined;
  /** Absolute paths to remove, in this order, after the end of the container. */
  remove: string[];
  /** The id of the container whose namespaces it shares, and with which it ends. */
  joined?: string | undefined;
  /** Whether it shares the PID namespace of another container, and whether that is a pod's. */
  joinsPids?: boolean | undefined;
  isMember?: boolean | undefined;
  /** Absolute paths of files to remove when the container has ended for good, such as its names in networks. */
  names?: readonly string[];
  /** Lines of the events file about the container's volumes, without their times: for each its mount, and its end. */
  volumes?: readonly string[] | undefined;
  /** A program that the monitor runs after all that: its path and arguments, and its environment. */
  lastProgram?:
    | {
        argv: readonly string[];
        env: readonly string[];
        unless?: string | undefined;
        /** Each container of the pod has a lock of this file: it is run only for the last of them. */
        lock?: string | undefined;
      }
    | undefined;
  /** A file in which failures of several containers are counted, whose tries are limited together. */
  failureCount?: string | undefined;
  /** By errno name, `*` for any: the message and the exit code if the program cannot be executed. */
  failures: { errno: string; exitCode: number; text: string }[];
  /** The maximum size of a log file, in bytes (0: no limit), and the number of log files. */
  log?: { maxSize: number; maxFiles: number } | 'none' | undefined;
  /** For a monitor that starts its container itself, and restarts it as the restart policy says. */
  supervise?: {
    cloneFlags: number;
    joins: boolean;
    isNested: boolean;
    /** How many descriptors of the caller the program gets. */
    kept?: number | undefined;
    /** The result of the first is the health of the container. */
    checks?: readonly Omit<HealthCheck, 'command'>[];
    /** Whether a hook is run at each start. */
    hasPostStart?: boolean;
    /** Where a check ends the container as foster stop does. */
    stop?: { signal: number; hasPreStop: boolean; pause: number };
  };
  /** Milliseconds after the start at which the container is killed. */
  timeLimit?: number | undefined;
  /** The cgroup and the file in it that count OOM kills, and the message for the caller if there are any. */
  oom?: { folder: string; file: string; message: string } | undefined;
}

/** struct monitor of wire.h. */
export function encodeMonitor(options: MonitorOptions): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(wire.MONITOR_SIZE);
  const remove = blob.words(options.remove);
  const names = blob.words([...(options.names ?? [])]);
  const volumes = blob.words([...(options.volumes ?? [])]);
  const { lastProgram } = options;
  const lastArgv = lastProgram === undefined ? 0 : blob.words([...lastProgram.argv]);
  const lastEnv = lastProgram === undefined ? 0 : blob.words([...lastProgram.env]);
  const lastUnless = lastProgram?.unless === undefined ? 0 : blob.text(lastProgram.unless);
  const failures = blob.reserve(options.failures.length * wire.FAILURE_SIZE);
  for (const [index, { errno, exitCode, text }] of options.failures.entries()) {
    blob.struct(failures + index * wire.FAILURE_SIZE, wire.FAILURE_OFFSETS, {
      error: errno === '*' ? 0 : errnoNumber(errno),
      exit_code: exitCode,
      text: blob.text(text),
    });
  }
  const joined = options.joined === undefined ? 0 : blob.text(`../${options.joined}/live`);
  const { supervise } = options;
  const subject = blob.text(
    options.subject === undefined ? '' : ` ${options.subject.id} ${options.subject.name}`,
  );
  const { oom } = options;
  const oomWords = oom === undefined ? 0 : blob.words([oom.folder, oom.file, oom.message]);
  const { steps = [], results = [] } = options.host ?? {};
  const hostSteps = encodeHostSteps(blob, steps, results);
  const { checks = [], stop } = supervise ?? {};
  const log = options.log === 'none' ? undefined : options.log;
  blob.struct(header, wire.MONITOR_OFFSETS, {
    magic: wire.MAGIC,
    version: wire.VERSION,
    flags:
      (options.terminal ? wire.MONITOR_TERMINAL : 0) |
      (options.interactive ? wire.MONITOR_INTERACTIVE : 0) |
      (options.remove.length > 0 ? wire.MONITOR_REMOVE : 0) |
      (options.userNamespace ? wire.MONITOR_USERNS : 0) |
      (options.verbose ? wire.MONITOR_VERBOSE : 0) |
      (options.shim ? wire.MONITOR_SHIM : 0) |
      (options.stateless ? wire.MONITOR_STATELESS : 0) |
      (supervise?.hasPostStart ? wire.MONITOR_POST_START : 0) |
      (stop?.hasPreStop ? wire.MONITOR_PRE_STOP : 0) |
      (supervise?.joins ? wire.MONITOR_JOINS : 0) |
      (supervise?.isNested ? wire.MONITOR_NESTED : 0) |
      (options.isMember ? wire.MONITOR_MEMBER : 0) |
      (options.joinsPids ? wire.MONITOR_SEEN : 0) |
      (options.log === 'none' ? wire.MONITOR_UNLOGGED : 0),
    pid: options.pid,
    remove,
    failures,
    failure_count: options.failures.length,
    subject,
    clone_flags: supervise?.cloneFlags ?? 0,
    checks: encodeChecks(blob, checks),
    check_count: checks.length,
    stop_signal: stop?.signal ?? 0,
    pre_stop_pause: stop?.pause ?? 0,
    time_limit: options.timeLimit ?? 0,
    log_max_size: Math.ceil((log?.maxSize ?? 0) / 1024),
    log_max_files: log?.maxFiles ?? 1,
    oom: oomWords,
    host_steps: hostSteps,
    host_step_count: steps.length,
    names,
    volumes,
    kept: supervise?.kept ?? 0,
    last_argv: lastArgv,
    last_envp: lastEnv,
    last_unless: lastUnless,
    last_lock: lastProgram?.lock === undefined ? 0 : blob.text(lastProgram.lock),
    joined,
    failure_file: options.failureCount === undefined ? 0 : blob.text(options.failureCount),
    size: blob.size,
  });
  return blob.bytes;
}

/** An array of struct check. */
function encodeChecks(blob: Blob, checks: readonly Omit<HealthCheck, 'command'>[]): number {
  const at = blob.reserve(checks.length * wire.CHECK_SIZE);
  checks.forEach((check, index) => {
    const { interval, startInterval = interval, startPeriod, role } = check;
    blob.struct(at + index * wire.CHECK_SIZE, wire.CHECK_OFFSETS, {
      flags:
        (check.kills ? wire.CHECK_KILLS : 0) |
        (role === 'liveness' || role === 'startup' ? wire.CHECK_ENDS : 0) |
        (role === 'startup' ? wire.CHECK_STARTUP : 0),
      first: check.delay ?? (startPeriod > 0 ? startInterval : interval),
      interval,
      start_interval: startInterval,
      timeout: check.timeout,
      start_period: startPeriod,
      failures: check.retries,
      successes: check.successes ?? 1,
      grace: check.grace ?? 0,
    });
  });
  return at;
}

/** What a monitor does differently at its next start of the container. */
export interface NextStart {
  /** As in MonitorOptions. */
  names: readonly string[];
  /** Those that connect the container to its networks. */
  links: readonly HostStep[];
  plan: Plan;
}

/** struct next of wire.h. */
export function encodeNext({ names, links, plan }: NextStart): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(wire.NEXT_SIZE);
  const steps = encodeHostSteps(blob, links);
  const bytes = encodePlan(plan, { trace: false });
  blob.struct(header, wire.NEXT_OFFSETS, {
    magic: wire.MAGIC,
    version: wire.VERSION,
    names: blob.words([...names]),
    host_steps: steps,
    host_step_count: links.length,
    plan: blob.put(bytes),
    plan_size: bytes.length,
    size: blob.size,
  });
  return blob.bytes;
}

/** An array of struct host_step. @param results the results of steps that are already done: `hostResults` */
export function encodeHostSteps(
  blob: Blob,
  steps: readonly HostStep[],
  results: readonly number[] = [],
): number {
  const at = blob.reserve(steps.length * wire.HOST_STEP_SIZE);
  steps.forEach((step, index) => {
    const { kind, words, messages, detail = 0 } = hostStepFields(step);
    const wordsAt = words.length === 0 ? 0 : blob.words(words);
    blob.struct(at + index * wire.HOST_STEP_SIZE, wire.HOST_STEP_OFFSETS, {
      kind,
      words: messages === undefined ? wordsAt : blob.put(messages),
      count: messages?.length ?? words.length,
      detail,
      result: results[index] ?? 0,
    });
  });
  return at;
}

function hostStepFields(step: HostStep): {
  kind: number;
  words: string[];
  messages?: Uint8Array;
  detail?: number;
} {
  switch (step.kind) {
    case 'write':
      return {
        kind: wire.HOST_WRITE,
        words: [step.file, step.text],
        detail: step.fromAbove ? wire.WRITE_FROM_ABOVE : 0,
      };
    case 'netlink': {
      const where = step.where === 'container' ? wire.NETLINK_IN_CONTAINER : 0;
      const detail = where | ((step.pidAt ?? 0) << wire.NETLINK_PID_SHIFT);
      return { kind: wire.HOST_NETLINK, words: [], messages: step.messages, detail };
    }
    case 'run': {
      const words = step.args.map((word) => (typeof word === 'string' ? word : ''));
      const pid = step.args.findIndex((word) => typeof word !== 'string');
      return { kind: wire.HOST_RUN, words: [step.path, ...words], detail: pid + 1 };
    }
    case 'start':
      return { kind: wire.HOST_START, words: step.args, detail: step.stopTimeout };
    case 'resume':
      return { kind: wire.HOST_RESUME, words: [] };
    case 'hand': {
      const detail =
        (step.isDeep ? wire.HAND_DEEP : 0) |
        (step.allowsDevices ? wire.HAND_DEVICES : 0) |
        (step.mustShift ? wire.HAND_MUST_SHIFT : 0);
      const { top, path } = step.beneath ?? { top: step.source };
      return { kind: wire.HOST_HAND, words: path === undefined ? [top] : [top, path], detail };
    }
    case 'cgroup':
      return cgroupFields(step);
  }
}

function cgroupFields(step: CgroupStep): { kind: number; words: string[]; detail: number } {
  const kind = wire.HOST_CGROUP;
  const { folder } = step;
  switch (step.action) {
    case 'make':
      return { kind, words: [folder], detail: wire.CGROUP_MAKE };
    case 'make-shared':
      return { kind, words: [folder], detail: wire.CGROUP_MAKE | wire.CGROUP_SHARED };
    case 'write':
      return { kind, words: [folder, step.file, step.text], detail: wire.CGROUP_WRITE };
    case 'enter':
      return { kind, words: [folder], detail: wire.CGROUP_ENTER };
    case 'move-all':
      return { kind, words: [folder, step.to], detail: wire.CGROUP_MOVE_ALL };
    case 'await':
      return { kind, words: [folder], detail: wire.CGROUP_AWAIT };
  }
}

/** A failure that the launcher or PID 1 has reported. */
export interface ReportedFailure {
  /** The index of the step in `init` and `process`; CLONE_STEP, STATE_STEP, or HOST_STEP + the index of a host step. */
  index: number;
  /** 0 if a program has failed. */
  errno: number;
  /** Of a host step: `detail` of struct host in wire.h. */
  detail: number;
}

/** What foster-init reports (struct report of wire.h). */
export type Report =
  | { kind: 'step'; index: number; result: number }
  | ({ kind: 'failed' } & ReportedFailure)
  | { kind: 'ready' }
  | { kind: 'exec-failed'; errno: number }
  | { kind: 'reforked'; pid: number }
  | { kind: 'executed' }
  | { kind: 'started'; pid: number }
  | { kind: 'handed'; index: number; outcome: number }
  | { kind: 'other' };

/** What the parent sends to foster-init. */
export const CONTROL_RESUME = Buffer.of(wire.CONTROL_RESUME);
export const CONTROL_START = Buffer.of(wire.CONTROL_START);
/** Sent by a client that wants all output: the monitor waits for it. */
export const ATTACH_ALL = Buffer.of(wire.ATTACH_ALL);
/** Sent by the command that starts a container in the foreground: the container ends when the command ends. */
export const ATTACH_OWNER = Buffer.of(wire.ATTACH_OWNER);
/** Followed by the terminal's rows and columns, 16 bits each. */
export const ATTACH_WINDOW = Buffer.of(wire.ATTACH_WINDOW);

/** Decodes one datagram from the control socket. */
export function decodeReport(bytes: Buffer): Report {
  const offsets = wire.REPORT_OFFSETS;
  const index = bytes.readUInt32LE(offsets.index);
  const value = Number(bytes.readBigInt64LE(offsets.value));
  switch (bytes.readUInt32LE(offsets.kind)) {
    case wire.REPORT_STEP:
      return { kind: 'step', index, result: value };
    case wire.REPORT_FAILED:
      return { kind: 'failed', index, errno: value, detail: Number(bytes.readBigInt64LE(offsets.extra)) };
    case wire.REPORT_READY:
      return { kind: 'ready' };
    case wire.REPORT_EXEC_FAILED:
      return { kind: 'exec-failed', errno: value };
    case wire.REPORT_REFORKED:
      return { kind: 'reforked', pid: value };
    case wire.REPORT_EXECUTED:
      return { kind: 'executed' };
    case wire.REPORT_STARTED:
      return { kind: 'started', pid: value };
    case wire.REPORT_HANDED:
      return { kind: 'handed', index, outcome: value };
    default:
      return { kind: 'other' };
  }
}
