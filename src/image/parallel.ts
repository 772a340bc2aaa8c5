import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds in which what was aborted is over, but for what waits for another process. */
const GRACE_MS = 500;

/**
 * Does something with each of `items`, a few at a time. At the first failure `abort` is called for what is still going
 * on, and the failure thrown.
 * @param limit how many at a time
 */
export async function forEachParallel<T>(
  items: readonly T[],
  limit: number,
  use: (item: T) => Promise<void>,
  abort: AbortController,
): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await use(item);
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    waiting.length = 0;
    abort.abort(error);
    const timer = new AbortController();
    await Promise.race([Promise.allSettled(workers), sleep(GRACE_MS, undefined, { signal: timer.signal })]);
    timer.abort();
    throw error;
  }
}
