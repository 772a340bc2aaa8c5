import { closeSync } from 'node:fs';
import { Blob } from '../init/blob.js';
import { nativeFile } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { encodeHostSteps } from '../init/wire.js';
import type { HostStep } from '../plan/step.js';
import { addressOf, callRaw } from '../sys/ffi.js';
import { memoryFile } from '../sys/libc.js';
import { HOST_OFFSETS, HOST_SIZE, HOST_STEP_OFFSETS, HOST_STEP_SIZE } from '../sys/wire-constants.js';
import { hostStepFailure } from './failure.js';
import { throwAtSignal } from './interrupt.js';

/** The process for which host steps are done, and how. */
export interface HostTarget {
  pid: number;
  pidfd?: number;
  /** Leads to it: a descriptor. */
  control?: number;
  /** The user namespace by which the ids of mounts are shifted, a descriptor; undefined where it has ended. */
  users?: number | undefined;
  /** A signal that asks foster to end does so, where a step takes long; not for what is done to clean up after one. */
  endsAtSignal?: boolean;
}

/** Host steps that are done, and whose programs go on. */
export interface HostWork {
  steps: readonly HostStep[];
  /** What programs say on stderr, its first 4 KiB: a descriptor, where there is one. */
  output: number | undefined;
  /** struct host of wire.h. */
  host: Buffer;
  blob: Buffer;
}

/**
 * Does host steps: src/init/launcher.c.
 * @param target left out where the steps concern no process
 * @throws FosterError with the sentence of the step that failed; nothing is left of those before it
 */
export function runHostSteps(steps: readonly HostStep[], target: HostTarget = { pid: 0 }): HostWork {
  const encoded = new Blob();
  const table = encodeHostSteps(encoded, steps);
  const blob = encoded.bytes;
  const output = hostOutput(steps);
  const host = Buffer.alloc(HOST_SIZE);
  host.writeBigUInt64LE(addressOf(blob), HOST_OFFSETS.blob);
  const fields = {
    size: blob.length,
    steps: table,
    count: steps.length,
    pid: target.pid,
    pidfd: target.pidfd ?? -1,
    control: target.control ?? -1,
    userns: target.users ?? -1,
    output: output ?? -1,
    starter: -1,
    init: steps.some(({ kind }) => kind === 'start') ? initProgram() : -1,
  };
  for (const [name, value] of Object.entries(fields))
    host.writeInt32LE(value, HOST_OFFSETS[name as keyof typeof fields]);
  const work = { steps, output, host, blob };
  if (steps.length === 0) return work; // as for an exec
  const prototype = 'int foster_run_host_steps(void *host, int ends_at_signal)';
  const { endsAtSignal = false } = target;
  if (callRaw(nativeFile('foster-entry.so'), prototype, host, endsAtSignal ? 1 : 0) === 0) return work;
  try {
    if (endsAtSignal) throwAtSignal();
    throw failureOf(work);
  } finally {
    if (output !== undefined) closeSync(output);
  }
}

function failureOf({ steps, output, host }: HostWork): Error {
  const field = (name: 'failed' | 'error' | 'detail') => host.readInt32LE(HOST_OFFSETS[name]);
  const step = steps[field('failed')];
  if (step === undefined) return new Error('the launcher reports a step that there is not');
  return hostStepFailure(step, { errno: field('error'), detail: field('detail') }, output);
}

/** By the numbers of the steps: the pid of a program that goes on, or one of HANDED_* in wire.h. */
export function hostResults({ steps, blob }: HostWork): number[] {
  return steps.map((_, index) => blob.readInt32LE(index * HOST_STEP_SIZE + HOST_STEP_OFFSETS.result));
}

/**
 * Ends what goes on, the latest first, and waits for it.
 * @param isPatient it gets time to end by itself, as its step says
 */
export function undoHostSteps({ host, output }: HostWork, { isPatient }: { isPatient: boolean }): void {
  const prototype = 'void foster_undo_host_steps(void *host, int is_patient)';
  callRaw(nativeFile('foster-entry.so'), prototype, host, isPatient ? 1 : 0);
  if (output !== undefined) closeSync(output);
}

/** A memory file for what the programs of host steps say; undefined where there are none. The caller closes it. */
export function hostOutput(steps: readonly HostStep[]): number | undefined {
  const isWanted = steps.some(({ kind }) => kind === 'run' || kind === 'start');
  return isWanted ? memoryFile('foster-output', Buffer.alloc(4096), { sealed: 'size' }) : undefined;
}
