import { Interruption, interrupted } from '../sys/interruption.js';

/** With the exit code that a shell gives to a death by that signal. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

let abort: AbortController | undefined;

/** Aborted at Ctrl-C, a hangup or SIGTERM, unless such a signal ends the process at once: `interruption`. */
export function abortSignal(): AbortSignal {
  abort ??= new AbortController();
  return abort.signal;
}

/**
 * What has to be undone at Ctrl-C, a hangup or SIGTERM before this process ends. While there is nothing, such a signal
 * ends the process at once, also in the middle of a system call.
 */
export const interruption = new Interruption((isNeeded) => {
  for (const signal of Object.keys(INTERRUPTS)) {
    if (isNeeded) process.on(signal, interrupt);
    else process.off(signal, interrupt);
  }
});

async function interrupt(signal: NodeJS.Signals): Promise<void> {
  const undone = interruption.interrupt();
  abort?.abort(interrupted());
  await undone;
  process.exit(INTERRUPTS[signal]);
}

/** Surroundings.stopIfInterrupted. */
export async function stopIfInterrupted(): Promise<void> {
  await new Promise(setImmediate); // a signal that came while nobody looked is handled now
  await waitForEnd();
}

/** Does not return where this process ends as soon as its work is undone: what the work says meanwhile is of no interest. */
export async function waitForEnd(): Promise<void> {
  if (interruption.undone !== undefined) await new Promise(() => {});
}
