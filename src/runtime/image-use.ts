import { type Collected, type CollectOptions, collectGarbage, type InUse } from '../image/collect.js';
import { layersOf } from './container-plan.js';
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
  return await collectGarbage(treesInUse, options);
}

/** Runs what adds an image to the store; where it fails, what it has added goes again. */
export async function collectOnFailure<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await collect();
    throw error;
  }
}
