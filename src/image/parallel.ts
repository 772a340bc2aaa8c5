/**
 * Does something with each of `items`, a few at a time. The first failure is thrown at once; `abort` is called for
 * what is still going on.
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
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      abort.signal.throwIfAborted();
      await use(item);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  } catch (error) {
    waiting.length = 0;
    abort.abort(error);
    throw error;
  }
}
