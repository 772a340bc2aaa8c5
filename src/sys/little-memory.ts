import { setFlagsFromString } from 'node:v8';
import { callRaw, hasFunction } from './ffi.js';
import { surroundings } from './surroundings.js';

/** What keeps a process small that moves much data, if it is foster's own. */

/** mallopt(3) */
const M_ARENA_MAX = -8;

/**
 * Lets all threads of the process allocate from one heap. Each would otherwise keep megabytes of its own, only so that threads
 * that allocate all the time need not wait for each other. Only the glibc does that.
 */
export function shareHeap(): void {
  if (!surroundings().ownsProcess || !hasFunction('', 'mallopt')) return;
  callRaw('', 'int mallopt(int parameter, int value)', M_ARENA_MAX, 1);
}

/**
 * Does work that waits for others most of the time, such as a network or the process that unpacks. V8 does not optimize its
 * functions: that would take 5 MiB while it does, and save next to no time.
 */
export async function withLittleMemory<T>(work: () => Promise<T>): Promise<T> {
  shareHeap();
  if (!surroundings().ownsProcess) return await work();
  setFlagsFromString('--no-opt');
  try {
    return await work();
  } finally {
    setFlagsFromString('--opt');
  }
}
