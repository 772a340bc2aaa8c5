import type { Undo } from '../sys/surroundings.js';

/** With the exit code that a shell gives to a death by that signal. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const undos = new Set<Undo>();
const lastUndos = new Set<Undo>();
let interruption: Promise<never> | undefined;

/**
 * Has `undo` called at Ctrl-C, a hangup or SIGTERM, before this process ends: Surroundings.onInterrupt. While there is
 * none, such a signal ends the process at once, also in the middle of a system call.
 */
export function onInterrupt(undo: Undo, { last = false }: { last?: boolean } = {}): () => void {
  const kind = last ? lastUndos : undos;
  if (undos.size + lastUndos.size === 0)
    for (const signal of Object.keys(INTERRUPTS)) process.on(signal, interrupt);
  kind.add(undo);
  return () => {
    kind.delete(undo);
    if (undos.size + lastUndos.size === 0)
      for (const signal of Object.keys(INTERRUPTS)) process.off(signal, interrupt);
  };
}

function interrupt(signal: NodeJS.Signals): void {
  interruption ??= (async () => {
    // What cannot be undone now is a leftover, which the next command removes.
    for (const kind of [undos, lastUndos])
      await Promise.allSettled([...kind].reverse().map(async (undo) => await undo()));
    process.exit(INTERRUPTS[signal]);
  })();
}

/** Never returns where this process is about to end: for those whose work is being undone. */
export async function stopIfInterrupted(): Promise<void> {
  await new Promise(setImmediate); // a signal that came while nobody looked is handled now
  await interruption;
}
