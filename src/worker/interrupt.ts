import { surroundings, type Undo } from '../sys/surroundings.js';

/** Has `undo` called when the caller wants what goes on to end. @returns takes it back */
export function onInterrupt(undo: Undo, options?: { last?: boolean }): () => void {
  return surroundings().onInterrupt(undo, options);
}

/** Does not return where what goes on is to end, but waits until it is undone: for those whose work is being undone. */
export async function stopIfInterrupted(): Promise<void> {
  await surroundings().stopIfInterrupted();
}

/** For loops that the caller may want to end. @throws where that is so */
export function throwIfInterrupted(): void {
  surroundings().signal?.throwIfAborted();
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

/** Lends `use` a controller of its own, which the caller's wish for an end aborts, too. */
export async function withAbortController<T>(use: (abort: AbortController) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const { signal } = surroundings();
  const stop = () => abort.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  try {
    return await use(abort);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
