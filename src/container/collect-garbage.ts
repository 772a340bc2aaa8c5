import { removeLeftovers } from '../image/rootfs/cache.js';
import { type Collected, type CollectOptions, collectGarbage } from '../image/store/collect.js';
import { onInterrupt } from '../worker/interrupt.js';
import { treesInUse } from './image-use.js';

/** Removes what neither images nor containers use: collect.ts. */
export async function collect(
  options: CollectOptions = { caches: false, recipes: false },
): Promise<Collected | undefined> {
  const collected = await collectGarbage(treesInUse, options);
  await removeLeftovers();
  return collected;
}

/** Runs `use`, which adds an image to the store; if it fails or is interrupted, what it has added is removed. */
export async function collectOnFailure<T>(use: () => Promise<T>): Promise<T> {
  // When others have undone what they were at.
  const stopListening = onInterrupt(async () => void (await collect()), { last: true });
  try {
    await removeLeftovers();
    return await use();
  } catch (error) {
    await collect();
    throw error;
  } finally {
    stopListening();
  }
}
