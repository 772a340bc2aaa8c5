import type { Arg, Bytes, HandedMount, Plan, Step } from '../plan/step.js';
import type { IdMaps } from '../spec/id-maps.js';
import { errnoNumber } from '../sys/errno.js';
import { syscallNumber } from '../sys/syscall-numbers.js';
import * as wire from '../sys/wire-constants.js';
import { mapText } from './id-maps.js';

export {
  CLONE_STEP,
  HANDED_STEP,
  MAPS_STEP,
  REPORT_SIZE,
  SIGNAL_TO_INIT,
  STATE_STEP,
} from '../sys/wire-constants.js';

/**
 * The encoder of wire.h, beside this file, whose numbers are in sys/wire-constants.ts. Every number is little endian, as
 * on both architectures that foster-init knows.
 */
const SPECIAL: Readonly<Record<string, number>> = {
  await: wire.STEP_AWAIT,
  refork: wire.STEP_REFORK,
  orphan: wire.STEP_ORPHAN,
  file_system: wire.STEP_FILE_SYSTEM,
  not_on: wire.STEP_NOT_ON,
};

/** A blob that grows at its end. Offsets stay good while it does. */
class Blob {
  #buffer = Buffer.alloc(32 * 1024);
  #view = viewOf(this.#buffer); // whose setters cost a tenth of a Buffer's in code that runs once
  size = 0;
  readonly relocations: number[] = [];

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size);
  }

  /** Makes room for `size` bytes of zeros, aligned to 8; returns where. */
  reserve(size: number): number {
    const at = (this.size + 7) & ~7;
    this.size = at + size;
    while (this.size > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.length)]);
      this.#view = viewOf(this.#buffer);
    }
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    this.#buffer.set(bytes, at);
    return at;
  }

  text(text: string): number {
    const size = Buffer.byteLength(text);
    const at = this.reserve(size + 1);
    this.#buffer.write(text, at);
    return at;
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  s32(at: number, value: number): void {
    this.#view.setInt32(at, value, true);
  }

  u8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  /** All fields of a struct of 32-bit numbers; the members of an array follow each other. */
  struct<Field extends string>(
    at: number,
    offsets: Readonly<Record<Field, number>>,
    values: Record<Field, number | readonly number[]>,
  ): void {
    for (const field in offsets) {
      [values[field]].flat().forEach((value, index) => {
        this.u32(at + offsets[field] + index * 4, value);
      });
    }
  }

  /** A 64-bit argument; negative numbers as the kernel expects them. */
  s64(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  /** At `at`, a pointer to what is at offset `target`. */
  pointer(at: number, target: number): void {
    this.s64(at, target);
    this.relocations.push(at);
  }

  /** NUL-terminated texts one after the other, an empty one at the end. */
  words(texts: string[]): number {
    return this.put(Buffer.from(`${texts.map((text) => `${text}\0`).join('')}\0`));
  }

  /** A NULL-terminated array of pointers to strings. */
  texts(texts: string[]): number {
    const at = this.reserve((texts.length + 1) * 8);
    texts.forEach((text, index) => {
      this.pointer(at + index * 8, this.text(text));
    });
    return at;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Where the results of steps go, by name. */
class Results {
  readonly #slots = new Map<string, number>();
  constructor(private readonly blob: Blob) {}

  /** Where the step that keeps `name` writes it: in the struct that holds it, or in a place of its own. */
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
  // A struct that holds a result must have its place before the step that yields the result is encoded.
  const structs = new Map<Bytes, number>();
  for (const { args } of steps) {
    for (const arg of args) {
      if (arg !== null && typeof arg === 'object' && 'bytes' in arg)
        structs.set(arg, encodeBytes(blob, results, arg));
    }
  }
  // forEach, since a pair for each of a thousand arguments would take a start of a container half a millisecond
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
      (plan.counts ? wire.PLAN_COUNTS : 0),
    steps: table,
    init_steps: plan.init.length,
    process_steps: plan.process.length,
    relocations,
    relocation_count: blob.relocations.length,
    programs,
    argv,
    envp,
    grace_ms: plan.graceMs,
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
  for (const [index, name] of (step.ignore ?? []).entries())
    blob.u8(at + offsets.ignore + index, errnoNumber(name));
}

/** Returns what kind of argument it is. */
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

/** What a monitor is told: see struct monitor of wire.h. */
export interface MonitorOptions {
  /** PID 1, as we see it; 0 where the monitor starts it. */
  pid: number;
  /** The program that makes the root file system, a child of ours. */
  storagePid?: number | undefined;
  terminal: boolean;
  interactive: boolean;
  verbose: boolean;
  shim: boolean;
  userNamespace: boolean;
  /** Of a process that joined a container: its end is not the container's, and nothing of it is kept. */
  stateless: boolean;
  /** Of a container: for its events. */
  subject?: { id: string; name: string } | undefined;
  /** Absolute paths to remove, in this order, when all is over. */
  remove: string[];
  /** By errno name, `*` for any: what to say and which code to exit with if the program cannot be executed. */
  failures: { errno: string; exitCode: number; text: string }[];
  /** Of the log: the most that a file holds, in bytes (0: no limit), and how many files are kept. */
  log?: { maxSize: number; maxFiles: number } | 'none' | undefined;
  /** For a monitor that starts its container itself, and again after its end where the policy says so. */
  supervise?: {
    cloneFlags: number;
    /** Paths of newuidmap and newgidmap; undefined where the monitor writes the maps itself. */
    helpers: { uid: string; gid: string } | undefined;
    maps: IdMaps | undefined;
    denySetgroups: boolean;
    joins: boolean;
    /** Arguments of foster-init for the program that makes the root file system. */
    storage?: string[] | undefined;
    /** Mounts that PID 1 is handed. */
    handed?: HandedMount[] | undefined;
    health?: { interval: number; timeout: number; startPeriod: number; retries: number } | undefined;
  };
}

/** struct monitor of wire.h. */
export function encodeMonitor(options: MonitorOptions): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(wire.MONITOR_SIZE);
  const remove = blob.words(options.remove);
  const failures = blob.reserve(options.failures.length * wire.FAILURE_SIZE);
  for (const [index, { errno, exitCode, text }] of options.failures.entries()) {
    blob.struct(failures + index * wire.FAILURE_SIZE, wire.FAILURE_OFFSETS, {
      error: errno === '*' ? 0 : errnoNumber(errno),
      exit_code: exitCode,
      text: blob.text(text),
    });
  }
  const { supervise } = options;
  const subject = blob.text(
    options.subject === undefined ? '' : ` ${options.subject.id} ${options.subject.name}`,
  );
  const own = supervise === undefined ? NOT_SUPERVISED : superviseFields(blob, supervise);
  const storage = supervise?.storage === undefined ? 0 : blob.words(supervise.storage);
  const handed = encodeHanded(blob, supervise?.handed ?? []);
  const log = options.log === 'none' ? undefined : options.log;
  blob.struct(header, wire.MONITOR_OFFSETS, {
    magic: wire.MAGIC,
    version: wire.VERSION,
    size: blob.size,
    flags:
      (options.terminal ? wire.MONITOR_TERMINAL : 0) |
      (options.interactive ? wire.MONITOR_INTERACTIVE : 0) |
      (options.remove.length > 0 ? wire.MONITOR_REMOVE : 0) |
      (options.userNamespace ? wire.MONITOR_USERNS : 0) |
      (options.verbose ? wire.MONITOR_VERBOSE : 0) |
      (options.shim ? wire.MONITOR_SHIM : 0) |
      (options.stateless ? wire.MONITOR_STATELESS : 0) |
      (supervise?.health ? wire.MONITOR_HEALTH : 0) |
      (supervise?.joins ? wire.MONITOR_JOINS : 0) |
      (supervise?.denySetgroups ? wire.MONITOR_DENY_SETGROUPS : 0) |
      (options.log === 'none' ? wire.MONITOR_UNLOGGED : 0),
    pid: options.pid,
    remove,
    failures,
    failure_count: options.failures.length,
    subject,
    ...own,
    log_max_size: Math.ceil((log?.maxSize ?? 0) / 1024),
    log_max_files: log?.maxFiles ?? 1,
    storage_pid: options.storagePid ?? 0,
    storage,
    handed,
    handed_count: supervise?.handed?.length ?? 0,
  });
  return blob.bytes;
}

/** An array of struct handed. */
function encodeHanded(blob: Blob, mounts: HandedMount[]): number {
  const at = blob.reserve(mounts.length * wire.HANDED_SIZE);
  for (const [index, mount] of mounts.entries())
    blob.struct(at + index * wire.HANDED_SIZE, wire.HANDED_OFFSETS, {
      path: blob.text(mount.source),
      flags: handedFlags(mount),
    });
  return at;
}

/** HANDED_* of wire.h. */
export function handedFlags({ isDeep, hasDevices, isNeeded }: HandedMount): number {
  return (
    (isDeep ? wire.HANDED_DEEP : 0) |
    (hasDevices ? wire.HANDED_DEVICES : 0) |
    (isNeeded ? wire.HANDED_NEEDED : 0)
  );
}

/** Fields of a monitor that starts its container itself. */
interface SuperviseFields {
  clone_flags: number;
  map_helpers: number[];
  maps: number[];
  health_interval: number;
  health_timeout: number;
  health_start_period: number;
  health_retries: number;
}

const NOT_SUPERVISED: SuperviseFields = {
  clone_flags: 0,
  map_helpers: [0, 0],
  maps: [0, 0],
  health_interval: 0,
  health_timeout: 0,
  health_start_period: 0,
  health_retries: 0,
};

function superviseFields(blob: Blob, supervise: NonNullable<MonitorOptions['supervise']>): SuperviseFields {
  const { maps, helpers, health } = supervise;
  const kinds = ['uid', 'gid'] as const;
  const byHelper = kinds.map((kind) => {
    if (maps === undefined || helpers === undefined) return 0;
    const numbers = maps[kind].flatMap((line) => [line.containerID, line.hostID, line.size].map(String));
    return blob.words([helpers[kind], `new${kind}map`, ...numbers]);
  });
  const direct = kinds.map((kind) => {
    if (maps === undefined || helpers !== undefined) return 0;
    return blob.text(mapText(maps[kind]));
  });
  return {
    clone_flags: supervise.cloneFlags,
    map_helpers: byHelper,
    maps: direct,
    health_interval: health?.interval ?? 0,
    health_timeout: health?.timeout ?? 0,
    health_start_period: health?.startPeriod ?? 0,
    health_retries: health?.retries ?? 0,
  };
}

/** What foster-init reports (struct report of wire.h). */
export type Report =
  | { kind: 'step'; index: number; result: number }
  | { kind: 'failed'; index: number; errno: number }
  | { kind: 'ready' }
  | { kind: 'exec-failed'; errno: number }
  | { kind: 'reforked'; pid: number }
  | { kind: 'executed' }
  | { kind: 'started'; pid: number }
  | { kind: 'handed'; index: number; outcome: number }
  | { kind: 'other' };

/** What became of a mount that PID 1 was handed: all of it is shifted, only the mount itself, or nothing. */
export const HANDED = {
  whole: wire.HANDED_WHOLE,
  topOnly: wire.HANDED_TOP_ONLY,
  plain: wire.HANDED_PLAIN,
} as const;

/** What the parent says to foster-init. */
export const SAY_MAPPED = Buffer.of(wire.SAY_MAPPED);
export const SAY_GO = Buffer.of(wire.SAY_GO);
/** What one who attaches says to a monitor, to be waited for. */
export const ATTACH_ALL = Buffer.of(wire.ATTACH_ALL);
/** What the command says that starts a container in the foreground: the container ends with it. */
export const ATTACH_OWNER = Buffer.of(wire.ATTACH_OWNER);
/** Then the terminal's rows and columns, 16 bits each. */
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
      return { kind: 'failed', index, errno: value };
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
