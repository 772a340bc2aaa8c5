/** With the exit code that a shell gives to a death by that signal. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Runs `use`; at Ctrl-C, a hangup or SIGTERM meanwhile, and when it fails, `undo` is called. It must not wait for
 * anything.
 */
export async function undoUnlessDone<T>(use: () => Promise<T>, undo: () => void): Promise<T> {
  const interrupted = (signal: NodeJS.Signals) => {
    undo();
    process.exit(INTERRUPTS[signal]);
  };
  for (const signal of Object.keys(INTERRUPTS)) process.on(signal, interrupted);
  try {
    return await use();
  } catch (error) {
    undo();
    throw error;
  } finally {
    for (const signal of Object.keys(INTERRUPTS)) process.off(signal, interrupted);
  }
}
