import type { Arg, Bytes, HandedMount, Plan, Step } from '../plan/step.js';
import type { IdMaps } from '../spec/id-maps.js';
import { errnoNumber } from '../sys/errno.js';
import { syscallNumber } from '../sys/syscall-numbers.js';
import { mapText } from './id-maps.js';

/**
 * The encoder of wire.h, beside this file: change both together. Every number is little endian, as on both
 * architectures that foster-init knows.
 */
const MAGIC = 0x74736f66;
const VERSION = 4;
const PLAN_HEADER = 52;
const STEP_SIZE = 64;
const MONITOR_HEADER = 96;

const PLAN_SHIM = 1;
const PLAN_TRACE = 2;
const PLAN_VERBOSE = 4;
const PLAN_GROUP = 8;
const PLAN_SHARED = 16;
const PLAN_COUNTS = 32;

const ARG_POINTER = 1;
const ARG_STORED = 2;

const SPECIAL: Readonly<Record<string, number>> = {
  await: 0x10000,
  refork: 0x10001,
  orphan: 0x10002,
  file_system: 0x10003,
  not_on: 0x10004,
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
  const header = blob.reserve(PLAN_HEADER);
  const steps = [...plan.init, ...plan.process];
  const table = blob.reserve(steps.length * STEP_SIZE);
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
    encodeStep(blob, results, structs, table + index * STEP_SIZE, step);
  });
  const programs = blob.texts(plan.program.paths);
  const argv = blob.texts(plan.program.argv);
  const envp = blob.texts(plan.program.env);
  const relocations = blob.reserve(blob.relocations.length * 4);
  blob.relocations.forEach((at, index) => {
    blob.u32(relocations + index * 4, at);
  });

  const bits =
    (plan.shim ? PLAN_SHIM : 0) |
    (options.trace ? PLAN_TRACE : 0) |
    (plan.verbose ? PLAN_VERBOSE : 0) |
    (plan.signalGroup ? PLAN_GROUP : 0) |
    (plan.sharedPids ? PLAN_SHARED : 0) |
    (plan.counts ? PLAN_COUNTS : 0);
  const fields = [
    MAGIC,
    VERSION,
    blob.size,
    bits,
    table,
    plan.init.length,
    plan.process.length,
    relocations,
    blob.relocations.length,
    programs,
    argv,
    envp,
    plan.graceMs,
  ];
  for (const [index, value] of fields.entries()) blob.u32(header + index * 4, value);
  return blob.bytes;
}

function encodeStep(blob: Blob, results: Results, structs: Map<Bytes, number>, at: number, step: Step): void {
  let kinds = 0;
  step.args.forEach((arg, index) => {
    kinds |= encodeArg(blob, results, structs, at + 8 + index * 8, arg) << (2 * index);
  });
  blob.u32(at, SPECIAL[step.call] ?? syscallNumber(step.call));
  blob.u32(at + 4, kinds);
  blob.u32(at + 56, step.result === undefined ? 0 : results.slotFor(step.result));
  for (const [index, name] of (step.ignore ?? []).entries()) blob.u8(at + 60 + index, errnoNumber(name));
}

/** Returns what kind of argument it is. */
function encodeArg(blob: Blob, results: Results, structs: Map<Bytes, number>, at: number, arg: Arg): number {
  if (arg === null) return 0;
  if (typeof arg === 'string') {
    blob.s64(at, blob.text(arg));
    return ARG_POINTER;
  }
  if (typeof arg === 'number' || 'value' in arg) {
    blob.s64(at, typeof arg === 'number' ? arg : arg.value);
    return 0;
  }
  if ('result' in arg) {
    blob.s64(at, results.slotOf(arg.result));
    return ARG_STORED;
  }
  blob.s64(at, 'addressOf' in arg ? results.slotOf(arg.addressOf) : (structs.get(arg) ?? 0));
  return ARG_POINTER;
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
  log?: { maxSize: number; maxFiles: number } | undefined;
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
  const header = blob.reserve(MONITOR_HEADER);
  const remove = blob.words(options.remove);
  const failures = blob.reserve(options.failures.length * 12);
  for (const [index, { errno, exitCode, text }] of options.failures.entries()) {
    const at = failures + index * 12;
    blob.s32(at, errno === '*' ? 0 : errnoNumber(errno));
    blob.s32(at + 4, exitCode);
    blob.u32(at + 8, blob.text(text));
  }
  const { supervise } = options;
  const bits =
    (options.terminal ? 1 : 0) |
    (options.interactive ? 2 : 0) |
    (options.remove.length > 0 ? 4 : 0) |
    (options.userNamespace ? 8 : 0) |
    (options.verbose ? 16 : 0) |
    (options.shim ? 32 : 0) |
    (options.stateless ? 64 : 0) |
    (supervise?.health ? 128 : 0) |
    (supervise?.joins ? 256 : 0) |
    (supervise?.denySetgroups ? 512 : 0);
  const subject = blob.text(
    options.subject === undefined ? '' : ` ${options.subject.id} ${options.subject.name}`,
  );
  const { clone, health } = superviseFields(blob, supervise);
  const storage = supervise?.storage === undefined ? 0 : blob.words(supervise.storage);
  const handed = encodeHanded(blob, supervise?.handed ?? []);
  const fields = [
    MAGIC,
    VERSION,
    blob.size,
    bits,
    options.pid,
    remove,
    failures,
    options.failures.length,
    subject,
    ...clone,
    Math.ceil((options.log?.maxSize ?? 0) / 1024),
    options.log?.maxFiles ?? 1,
    ...health,
    options.storagePid ?? 0,
    storage,
    handed,
    supervise?.handed?.length ?? 0,
  ];
  for (const [index, value] of fields.entries()) blob.u32(header + index * 4, value);
  return blob.bytes;
}

/** An array of struct handed. */
function encodeHanded(blob: Blob, mounts: HandedMount[]): number {
  const at = blob.reserve(mounts.length * 8);
  for (const [index, mount] of mounts.entries()) {
    blob.u32(at + index * 8, blob.text(mount.source));
    blob.u32(at + index * 8 + 4, handedFlags(mount));
  }
  return at;
}

/** HANDED_* of wire.h. */
export function handedFlags({ isDeep, hasDevices, isNeeded }: HandedMount): number {
  return (isDeep ? 1 : 0) | (hasDevices ? 2 : 0) | (isNeeded ? 4 : 0);
}

function superviseFields(
  blob: Blob,
  supervise: MonitorOptions['supervise'],
): { clone: number[]; health: number[] } {
  if (supervise === undefined) return { clone: [0, 0, 0, 0, 0], health: [0, 0, 0, 0] };
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
    clone: [supervise.cloneFlags, ...byHelper, ...direct],
    health: health ? [health.interval, health.timeout, health.startPeriod, health.retries] : [0, 0, 0, 0],
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

/** Indices of what failed before there were steps. */
export const CLONE_STEP = 0xfffffffe;
export const MAPS_STEP = 0xfffffffd;
export const STATE_STEP = 0xfffffffc;
/** Of the first mount that PID 1 is handed. */
export const HANDED_STEP = 0xffff0000;

/** What became of a mount that PID 1 was handed: all of it is shifted, only the mount itself, or nothing. */
export const HANDED = { whole: 0, topOnly: 1, plain: 2 } as const;

export const REPORT_SIZE = 40;
/** What the parent says to foster-init. */
export const SAY_MAPPED = Buffer.from('M');
export const SAY_GO = Buffer.from('G');
/** What one who attaches says to a monitor, to be waited for. */
export const ATTACH_ALL = Buffer.from('a');

/** The value of a queued signal that PID 1 keeps to itself. */
export const SIGNAL_TO_INIT = 2;

/** Decodes one datagram from the control socket. */
export function decodeReport(bytes: Buffer): Report {
  const index = bytes.readUInt32LE(4);
  const value = Number(bytes.readBigInt64LE(8));
  switch (bytes.readUInt32LE(0)) {
    case 1:
      return { kind: 'step', index, result: value };
    case 2:
      return { kind: 'failed', index, errno: value };
    case 3:
      return { kind: 'ready' };
    case 4:
      return { kind: 'exec-failed', errno: value };
    case 5:
      return { kind: 'reforked', pid: value };
    case 6:
      return { kind: 'executed' };
    case 7:
      return { kind: 'started', pid: value };
    case 12:
      return { kind: 'handed', index, outcome: value };
    default:
      return { kind: 'other' };
  }
}
