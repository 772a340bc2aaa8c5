import type { Arg, Bytes, Plan, Step } from '../plan/step.js';
import { errnoNumber } from '../sys/errno.js';
import { syscallNumber } from '../sys/syscall-numbers.js';

/**
 * The encoder of wire.h, beside this file: change both together. Every number is little endian, as on both
 * architectures that foster-init knows.
 */
const MAGIC = 0x74736f66;
const VERSION = 1;
const PLAN_HEADER = 52;
const STEP_SIZE = 64;
const MONITOR_HEADER = 32;

const PLAN_SHIM = 1;
const PLAN_TRACE = 2;
const PLAN_VERBOSE = 4;
const PLAN_GROUP = 8;
const PLAN_SHARED = 16;

const ARG_POINTER = 1;
const ARG_STORED = 2;

const SPECIAL: Readonly<Record<string, number>> = { await: 0x10000, refork: 0x10001 };

/** A blob that grows at its end. Offsets stay good while it does. */
class Blob {
  #buffer = Buffer.alloc(16 * 1024);
  size = 0;
  readonly relocations: number[] = [];

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size);
  }

  /** Makes room for `size` bytes of zeros, aligned to 8; returns where. */
  reserve(size: number): number {
    const at = (this.size + 7) & ~7;
    this.size = at + size;
    while (this.size > this.#buffer.length)
      this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.length)]);
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
    this.#buffer.writeUInt32LE(value >>> 0, at);
  }

  s32(at: number, value: number): void {
    this.#buffer.writeInt32LE(value, at);
  }

  u8(at: number, value: number): void {
    this.#buffer.writeUInt8(value, at);
  }

  /** A 64-bit argument; negative numbers as the kernel expects them. */
  s64(at: number, value: number): void {
    this.#buffer.writeBigInt64LE(BigInt(value), at);
  }

  /** At `at`, a pointer to what is at offset `target`. */
  pointer(at: number, target: number): void {
    this.s64(at, target);
    this.relocations.push(at);
  }

  /** A NULL-terminated array of pointers to strings. */
  texts(texts: string[]): number {
    const at = this.reserve((texts.length + 1) * 8);
    for (const [index, text] of texts.entries()) this.pointer(at + index * 8, this.text(text));
    return at;
  }
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
  for (const [index, step] of steps.entries())
    encodeStep(blob, results, structs, table + index * STEP_SIZE, step);
  const programs = blob.texts(plan.program.paths);
  const argv = blob.texts(plan.program.argv);
  const envp = blob.texts(plan.program.env);
  const relocations = blob.reserve(blob.relocations.length * 4);
  for (const [index, at] of blob.relocations.entries()) blob.u32(relocations + index * 4, at);

  const bits =
    (plan.shim ? PLAN_SHIM : 0) |
    (options.trace ? PLAN_TRACE : 0) |
    (plan.verbose ? PLAN_VERBOSE : 0) |
    (plan.signalGroup ? PLAN_GROUP : 0) |
    (plan.sharedPids ? PLAN_SHARED : 0);
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
  for (const [index, arg] of step.args.entries()) {
    const slot = at + 8 + index * 8;
    const [kind, value] = encodeArg(blob, results, structs, arg);
    kinds |= kind << (2 * index);
    blob.s64(slot, value);
  }
  blob.u32(at, SPECIAL[step.call] ?? syscallNumber(step.call));
  blob.u32(at + 4, kinds);
  blob.u32(at + 56, step.result === undefined ? 0 : results.slotFor(step.result));
  for (const [index, name] of (step.ignore ?? []).entries()) blob.u8(at + 60 + index, errnoNumber(name));
}

function encodeArg(
  blob: Blob,
  results: Results,
  structs: Map<Bytes, number>,
  arg: Arg,
): [kind: number, value: number] {
  if (arg === null) return [0, 0];
  if (typeof arg === 'number') return [0, arg];
  if (typeof arg === 'string') return [ARG_POINTER, blob.text(arg)];
  if ('result' in arg) return [ARG_STORED, results.slotOf(arg.result)];
  if ('addressOf' in arg) return [ARG_POINTER, results.slotOf(arg.addressOf)];
  if ('bytes' in arg) return [ARG_POINTER, structs.get(arg) ?? 0];
  return [0, arg.value];
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
  pid: number;
  terminal: boolean;
  interactive: boolean;
  verbose: boolean;
  shim: boolean;
  userNamespace: boolean;
  /** Absolute paths to remove, in this order, when all is over. */
  remove: string[];
  /** By errno name, `*` for any: what to say and which code to exit with if the program cannot be executed. */
  failures: { errno: string; exitCode: number; text: string }[];
}

/** struct monitor of wire.h. */
export function encodeMonitor(options: MonitorOptions): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(MONITOR_HEADER);
  const remove = blob.put(Buffer.from(`${options.remove.map((path) => `${path}\0`).join('')}\0`));
  const failures = blob.reserve(options.failures.length * 12);
  for (const [index, { errno, exitCode, text }] of options.failures.entries()) {
    const at = failures + index * 12;
    blob.s32(at, errno === '*' ? 0 : errnoNumber(errno));
    blob.s32(at + 4, exitCode);
    blob.u32(at + 8, blob.text(text));
  }
  const bits =
    (options.terminal ? 1 : 0) |
    (options.interactive ? 2 : 0) |
    (options.remove.length > 0 ? 4 : 0) |
    (options.userNamespace ? 8 : 0) |
    (options.verbose ? 16 : 0) |
    (options.shim ? 32 : 0);
  const fields = [MAGIC, VERSION, blob.size, bits, options.pid, remove, failures, options.failures.length];
  for (const [index, value] of fields.entries()) blob.u32(header + index * 4, value);
  return blob.bytes;
}

/** What foster-init reports (struct report of wire.h). */
export type Report =
  | { kind: 'step'; index: number; result: number }
  | { kind: 'failed'; index: number; errno: number }
  | { kind: 'ready' }
  | { kind: 'exec-failed'; errno: number }
  | { kind: 'reforked'; pid: number }
  | { kind: 'other' };

export const REPORT_SIZE = 40;
/** What the parent says to foster-init. */
export const SAY_MAPPED = Buffer.from('M');
export const SAY_GO = Buffer.from('G');

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
    default:
      return { kind: 'other' };
  }
}
