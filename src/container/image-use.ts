import { removeLeftovers } from '../image/rootfs/cache.js';
import { type Collected, type CollectOptions, collectGarbage, type InUse } from '../image/store/collect.js';
import { onInterrupt } from '../worker/interrupt.js';
import { layersOf } from './record.js';
import { type Container, listContainers } from './store.js';

/** What the containers of now are made of. */
export function treesInUse(): InUse {
  return { trees: new Set(listContainers().flatMap(({ record }) => layersOf(record))) };
}

/** Containers made from the image with this manifest. */
export function containersOf(digest: string): Container[] {
  return listContainers().filter(({ record }) => record.image?.digest === digest);
}

/** How many containers were made from each image, by the digest of its manifest. */
export function containersByImage(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { record } of listContainers()) {
    const digest = record.image?.digest;
    if (digest !== undefined) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  return counts;
}

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
