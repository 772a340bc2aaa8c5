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

/** Removes what neither images nor containers use: collect.ts. */
export async function collect(
  options: CollectOptions = { caches: false, recipes: false },
): Promise<Collected | undefined> {
  const collected = await collectGarbage(treesInUse, options);
  await removeLeftovers();
  return collected;
}

/** Runs what adds an image to the store; where it fails or is interrupted, what it has added goes again. */
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
