/**
 * Does something with each of `items`, a few at a time. At the first failure `abort` is called for what is still going
 * on, and the failure thrown when all that is over.
 * @param limit how many at a time
 * @param abort may be called by `use`, too: its reason is what is thrown then
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
    await Promise.allSettled(workers);
    throw abort.signal.reason;
  }
}
