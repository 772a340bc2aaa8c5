/**
 * Runs `use` for each of `items`, a few at a time. At the first failure aborts the others, waits for them, and throws
 * the failure.
 * @param limit how many at the same time
 * @param abort `use` may abort it too; its reason is thrown then
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
