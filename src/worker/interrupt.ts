import { setImmediate } from 'node:timers/promises';
import { surroundings, type Undo } from '../sys/surroundings.js';

/** Registers `undo` to be called when the caller interrupts the work. @returns a function that unregisters it */
export function onInterrupt(undo: Undo, options?: { last?: boolean }): () => void {
  return surroundings().onInterrupt(undo, options);
}

/** Does not return if the work was interrupted, but waits until everything is undone. */
export async function stopIfInterrupted(): Promise<void> {
  await surroundings().stopIfInterrupted();
}

/** For loops that can be cancelled. @throws the signal's reason */
export function throwIfInterrupted(): void {
  surroundings().signal?.throwIfAborted();
}

/**
 * For loops that never wait by themselves: lets everything else in the process happen, unless there is nothing else.
 * @throws the signal's reason if the work was cancelled
 */
export async function letOthersRun(): Promise<void> {
  if (surroundings().ownsProcess) return;
  await setImmediate();
  throwIfInterrupted();
}

/**
 * Runs `use`, and calls `undo` at an interrupt (`onInterrupt`) or if it fails. `undo` must not wait.
 */
export async function undoUnlessDone<T>(use: () => Promise<T>, undo: () => void): Promise<T> {
  const stopListening = onInterrupt(undo);
  try {
    return await use();
  } catch (error) {
    undo();
    throw error;
  } finally {
    stopListening();
  }
}

/** Gives `use` a new controller, which is aborted when the caller cancels, too. */
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
