import { closeSync } from 'node:fs';
import { Blob } from '../init/blob.js';
import { nativeFile } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { encodeHostSteps } from '../init/wire.js';
import type { HostStep } from '../plan/step.js';
import { addressOf, callRaw } from '../sys/ffi.js';
import { memoryFile } from '../sys/libc.js';
import { wire } from '../sys/wire-constants.js';
import { hostStepFailure } from './failure.js';
import { throwIfSignaled } from './interrupt.js';

/** The process for which host steps are done. */
export interface HostTarget {
  pid: number;
  pidfd?: number;
  /** Descriptor of a socket to it. */
  control?: number;
  /** Pidfd of the network holder. */
  holder?: number | undefined;
  /** Descriptor of the user namespace by which the ids of mounts are shifted; undefined if the process has ended. */
  userNamespace?: number | undefined;
  /** Whether SIGINT, SIGTERM and so on end a wait. Not set for steps that clean up after such a signal. */
  endsAtSignal?: boolean;
}

/** Completed host steps. The programs of `start` steps keep running. */
export interface HostWork {
  steps: readonly HostStep[];
  /** Descriptor of the file with the first 4 KiB of the programs' stderr, if there is one. */
  output: number | undefined;
  /** struct host of wire.h. */
  host: Buffer;
  blob: Buffer;
}

/**
 * Does host steps: src/init/launcher.c.
 * @param target omitted if the steps do not concern a process
 * @throws FosterError of the step that failed; the steps before it are undone
 */
export function runHostSteps(steps: readonly HostStep[], target: HostTarget = { pid: 0 }): HostWork {
  const encoded = new Blob();
  const table = encodeHostSteps(encoded, steps);
  const blob = encoded.bytes;
  const output = hostOutput(steps);
  const host = Buffer.alloc(wire.HOST_SIZE);
  host.writeBigUInt64LE(addressOf(blob), wire.HOST_OFFSETS.blob);
  const fields = {
    size: blob.length,
    steps: table,
    count: steps.length,
    pid: target.pid,
    pidfd: target.pidfd ?? -1,
    control: target.control ?? -1,
    holder: target.holder ?? -1,
    userns: target.userNamespace ?? -1,
    output: output ?? -1,
    starter: -1,
    init: steps.some(({ kind }) => kind === 'start') ? initProgram() : -1,
  };
  for (const [name, value] of Object.entries(fields))
    host.writeInt32LE(value, wire.HOST_OFFSETS[name as keyof typeof fields]);
  const work = { steps, output, host, blob };
  if (steps.length === 0) return work; // foster exec has none
  const prototype = 'int foster_run_host_steps(void *host, int ends_at_signal)';
  const { endsAtSignal = false } = target;
  if (callRaw(nativeFile('foster-entry.so'), prototype, host, endsAtSignal ? 1 : 0) === 0) return work;
  try {
    if (endsAtSignal) throwIfSignaled();
    throw failureOf(work);
  } finally {
    if (output !== undefined) closeSync(output);
  }
}

function failureOf({ steps, output, host }: HostWork): Error {
  const field = (name: 'failed' | 'error' | 'detail') => host.readInt32LE(wire.HOST_OFFSETS[name]);
  const step = steps[field('failed')];
  if (step === undefined) return new Error('the launcher reported an unknown step');
  return hostStepFailure(step, { errno: field('error'), detail: field('detail') }, output);
}

/** By the index of the step: the pid of a program that keeps running, or one of HANDED_* in wire.h. */
export function hostResults({ steps, blob }: HostWork): number[] {
  return steps.map((_, index) =>
    blob.readInt32LE(index * wire.HOST_STEP_SIZE + wire.HOST_STEP_OFFSETS.result),
  );
}

/**
 * Ends the programs that keep running, the latest first, and waits for them.
 * @param isGraceful gives each program the time of its step to end by itself
 */
export function undoHostSteps({ host, output }: HostWork, { isGraceful }: { isGraceful: boolean }): void {
  const prototype = 'void foster_undo_host_steps(void *host, int is_graceful)';
  callRaw(nativeFile('foster-entry.so'), prototype, host, isGraceful ? 1 : 0);
  if (output !== undefined) closeSync(output);
}

/** A memory file for the stderr of the steps' programs; undefined if there are none. The caller closes it. */
export function hostOutput(steps: readonly HostStep[]): number | undefined {
  const isWanted = steps.some(({ kind }) => kind === 'run' || kind === 'start');
  return isWanted ? memoryFile('foster-output', Buffer.alloc(4096), { sealed: 'size' }) : undefined;
}
