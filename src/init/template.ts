import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoNumber } from '../sys/errno.js';
import { wire } from '../sys/wire-constants.js';
import { Blob } from './blob.js';
import { nativeFile } from './clone.js';

/** The encoder for struct template of wire.h, from which src/init/front repeats an exec without Node. */

/** Identifies a file and its content: five numbers; zeros if there is no such file. */
export type Stamp = readonly bigint[];

const NO_FILE: Stamp = [0n, 0n, 0n, 0n, 0n];

/** The stamp of the file at `path`, as front/find.c makes it. A symbolic link is not followed. */
export function stampOf(path: string): Stamp {
  const info = statOf(path);
  return info === undefined ? NO_FILE : [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs];
}

function statOf(path: string) {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

export type TemplateKind = 'foreground' | 'terminal' | 'detached';

const KINDS: Readonly<Record<TemplateKind, number>> = {
  foreground: wire.TEMPLATE_EXEC,
  terminal: wire.TEMPLATE_EXEC_TERMINAL,
  detached: wire.TEMPLATE_EXEC_DETACHED,
};

/** The name of the file in the container's folder. */
export const TEMPLATE_FILES: Readonly<Record<TemplateKind, string>> = {
  foreground: 'exec',
  terminal: 'exec-terminal',
  detached: 'exec-detached',
};

/** A message about a program that cannot be executed, in two parts, between which it is named in quotation marks. */
export interface TemplateFailure {
  errno: string;
  exitCode: number;
  before: string;
  after: string;
}

export interface ExecTemplate {
  kind: TemplateKind;
  /** The container's files; the template is used while they have not changed. */
  stamps: { config: Stamp; cgroups: Stamp };
  /** Encoded, without arguments and paths. */
  plan: Uint8Array;
  /** Encoded, without failures and pid. */
  monitor: Uint8Array;
  /** For programs that are named by a path, and for those that are looked up; the same errors in the same order. */
  failures: { path: readonly TemplateFailure[]; name: readonly TemplateFailure[] };
  /** The line of the event after its time, up to the command. */
  event: string;
  /** PATH of the container. */
  path: string;
  /** The index of the step, of PID 1's and the process's, whose only argument is the working directory. */
  directoryStep: number;
}

export function encodeTemplate(template: ExecTemplate): Uint8Array {
  const { kind, stamps, plan, monitor, event, path } = template;
  const blob = new Blob();
  const offsets = wire.TEMPLATE_OFFSETS;
  const header = blob.reserve(wire.TEMPLATE_SIZE);
  const failures = [...template.failures.path, ...template.failures.name];
  const table = blob.reserve(failures.length * wire.TEMPLATE_FAILURE_SIZE);
  failures.forEach(({ errno, exitCode, before, after }, index) => {
    blob.struct(table + index * wire.TEMPLATE_FAILURE_SIZE, wire.TEMPLATE_FAILURE_OFFSETS, {
      error: errno === '*' ? 0 : errnoNumber(errno),
      exit_code: exitCode,
      before: blob.text(before),
      after: blob.text(after),
    });
  });
  blob.struct(header, offsets, {
    magic: wire.TEMPLATE_MAGIC,
    version: wire.VERSION,
    kind: KINDS[kind],
    config: words(stamps.config),
    cgroups: words(stamps.cgroups),
    init: words(stampOf(nativeFile('foster-init'))),
    bundle: words(stampOf(`${dirname(dirname(nativeFile('foster-init')))}/foster-cli.cjs`)),
    plan: blob.put(plan),
    plan_size: plan.length,
    monitor: blob.put(monitor),
    monitor_size: monitor.length,
    failures: table,
    failure_count: template.failures.path.length,
    event: blob.text(event),
    path: blob.text(path),
    directory: argumentAt(plan, template.directoryStep),
    unused: 0,
    size: 0,
  });
  blob.u32(header + offsets.size, blob.size);
  return blob.bytes;
}

/** Where an encoded plan has the first argument of a step. */
function argumentAt(plan: Uint8Array, step: number): number {
  const steps = new DataView(plan.buffer, plan.byteOffset).getUint32(wire.PLAN_OFFSETS.steps, true);
  return steps + step * wire.STEP_SIZE + wire.STEP_OFFSETS.arguments;
}

/** 64-bit numbers as pairs of 32 bits, the lower ones first. */
function words(stamp: Stamp): number[] {
  return stamp.flatMap((number) => [Number(number & 0xffffffffn), Number(number >> 32n)]);
}
