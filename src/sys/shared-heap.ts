import { callRaw, hasFunction } from './ffi.js';
import { surroundings } from './surroundings.js';

/** mallopt(3) */
const M_ARENA_MAX = -8;

/**
 * Lets all threads of a process allocate from one heap, if the process is foster's own. Each would otherwise keep megabytes of
 * its own, only so that threads that allocate all the time need not wait for each other. Only the glibc does that.
 */
export function shareHeap(): void {
  if (!surroundings().ownsProcess || !hasFunction('', 'mallopt')) return;
  callRaw('', 'int mallopt(int parameter, int value)', M_ARENA_MAX, 1);
}
