import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How many bytes of short-lived buffers may accumulate. */
const MOST_GARBAGE = 2 * 1024 * 1024;

/**
 * Keeps buffers that are used once from filling the memory. To V8, a buffer is a small object, whatever it has outside of the
 * heap: it waits for 64 MiB of them before it frees any.
 */
export class BufferGarbage {
  readonly #collect: (options: { type: 'minor' }) => void;
  #size = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc');
  }

  /** Reports that a buffer of that size is no longer used. */
  add(size: number): void {
    this.#size += size;
    if (this.#size < MOST_GARBAGE) return;
    this.#size = 0;
    this.#collect({ type: 'minor' });
  }
}
