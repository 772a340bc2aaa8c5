import { surroundings, type Undo } from '../sys/surroundings.js';

/** Has `undo` called when the caller wants what goes on to end. @returns takes it back */
export function onInterrupt(undo: Undo, options?: { last?: boolean }): () => void {
  return surroundings().onInterrupt(undo, options);
}

/** Does not return where what goes on is to end, but waits until it is undone: for those whose work is being undone. */
export async function stopIfInterrupted(): Promise<void> {
  await surroundings().stopIfInterrupted();
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
