import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type Plan, step } from '../plan/step.js';
import { FosterError } from '../sys/errors.js';
import { findOnPath } from '../sys/programs.js';
import { surroundings } from '../sys/surroundings.js';
import { sleep } from '../sys/write.js';

/**
 * A run of which strace(1) writes down what PID 1 does, for `foster explain --strace`. It cannot simply be started by strace: traced
 * programs get no rights by set-user-ID, so newuidmap would fail. Instead PID 1 waits until strace has attached to it.
 */

/** Milliseconds that strace gets to attach. */
const LIMIT = 10_000;

/** The file that strace is to write; undefined if the run is not to be traced. */
export function traceFile(): string | undefined {
  return surroundings().env.FOSTER_STRACE;
}

/** The plan of a run whose PID 1 waits before it does anything: Launch sends it on when `attach` has returned. */
export function heldPlan(plan: Plan): Plan {
  return { ...plan, init: [step('wait for strace', 'await', []), ...plan.init] };
}

/**
 * Attaches strace to PID 1 and its children. It lets go of them when they execute a program, if PID 1 does not do so itself in between.
 * @throws FosterError if strace is not there, or may not
 */
export function attachStrace(pid: number, file: string, plan: Plan): void {
  const program = requireStrace();
  const until = plan.init.some(({ call }) => call === 'renew') ? [] : ['-b', 'execve'];
  const errors = openSync(`${file}.errors`, 'w', 0o600);
  const child = spawn(program, ['-f', '-q', '-s', '300', ...until, '-o', file, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', errors],
    detached: true,
  });
  child.on('error', () => {}); // then it does not attach
  child.unref();
  closeSync(errors);
  const end = Date.now() + LIMIT;
  while (!/^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
    if (Date.now() > end)
      throw new FosterError(
        `strace could not attach to PID 1: ${readFileSync(`${file}.errors`, 'utf8').trim()}`,
      );
    sleep(1);
  }
}

/** The path of strace. @throws FosterError if it is not installed */
export function requireStrace(): string {
  const program = findOnPath('strace');
  if (program !== undefined) return program;
  throw new FosterError('strace is not installed', {
    kind: 'unsupported',
    advice: 'install it: apt-get install strace',
  });
}
