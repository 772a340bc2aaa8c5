/** With the exit code that a shell gives to a death by that signal. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

type Undo = () => void | Promise<void>;

const undos = new Set<Undo>();
let interruption: Promise<never> | undefined;

/**
 * Has `undo` called at Ctrl-C, a hangup or SIGTERM, before this process ends. Of several the last comes first, and those
 * that wait for something do so side by side.
 * @returns takes it back
 */
export function onInterrupt(undo: Undo): () => void {
  if (undos.size === 0) for (const signal of Object.keys(INTERRUPTS)) process.on(signal, interrupt);
  undos.add(undo);
  return () => {
    undos.delete(undo);
    if (undos.size === 0) for (const signal of Object.keys(INTERRUPTS)) process.off(signal, interrupt);
  };
}

function interrupt(signal: NodeJS.Signals): void {
  interruption ??= (async () => {
    // What cannot be undone now is a leftover, which the next command removes.
    await Promise.allSettled([...undos].reverse().map(async (undo) => await undo()));
    process.exit(INTERRUPTS[signal]);
  })();
}

/** Never returns where this process is about to end: for those whose work is being undone. */
export async function stopIfInterrupted(): Promise<void> {
  await new Promise(setImmediate); // a signal that came while nobody looked is handled now
  await interruption;
}

/**
 * Runs `use`; at an interruption meanwhile (`onInterrupt`), and when it fails, `undo` is called. It must not wait for
 * anything.
 */
export async function undoUnlessDone<T>(use: () => Promise<T>, undo: () => void): Promise<T> {
  const takeBack = onInterrupt(undo);
  try {
    return await use();
  } catch (error) {
    undo();
    throw error;
  } finally {
    takeBack();
  }
}
