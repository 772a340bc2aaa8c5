import { removeLeftovers } from '../image/rootfs/cache.js';
import { type Collected, type CollectOptions, collectGarbage } from '../image/store/collect.js';
import { onInterrupt } from '../worker/interrupt.js';
import { treesInUse } from './image-use.js';

/** Removes blobs and layers that neither images nor containers use: collect.ts. */
export async function collect(
  options: CollectOptions = { caches: false, recipes: false },
): Promise<Collected | undefined> {
  const collected = await collectGarbage(treesInUse, options);
  await removeLeftovers();
  return collected;
}

/** Runs `use`, which adds an image to the store. If it fails or is interrupted, everything it has added is removed. */
export async function collectOnFailure<T>(use: () => Promise<T>): Promise<T> {
  // After all other work is undone.
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
