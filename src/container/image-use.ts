import type { InUse } from '../image/store/collect.js';
import { layersOf } from './record.js';
import { type Container, listContainers } from './store.js';

/** The images, layers and root filesystems that existing containers use. */
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
