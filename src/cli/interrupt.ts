import { Interruption, interrupted } from '../sys/interruption.js';

/** The signals, with the exit codes that shells report for them. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

let abort: AbortController | undefined;

/** Aborted by Ctrl-C, a hangup or SIGTERM, unless such a signal ends the process at once: `interruption`. */
export function abortSignal(): AbortSignal {
  abort ??= new AbortController();
  return abort.signal;
}

/**
 * The work to undo at Ctrl-C, a hangup or SIGTERM before this process ends. While there is nothing to undo, such a signal ends
 * the process at once, even in the middle of a system call.
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
  await new Promise(setImmediate); // lets Node handle a signal that has arrived
  await waitForEnd();
}

/** Does not return if the process is about to end after undoing its work: errors of the interrupted work do not matter. */
export async function waitForEnd(): Promise<void> {
  if (interruption.undone !== undefined) await new Promise(() => {});
}
