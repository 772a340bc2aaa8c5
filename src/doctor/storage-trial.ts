import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageChoice } from '../image/rootfs/storage-choice.js';
import { mapsOfContainers } from './id-maps.js';
import { missingFolders } from './read.js';

let tried: Promise<StorageChoice> | undefined;

/**
 * Tries, once, what containers need of the file system of the data folder. It is left as it was: folders that are made for
 * the trial are removed.
 */
export function triedStorage(): Promise<StorageChoice> {
  tried ??= tryStorage();
  return tried;
}

async function tryStorage(): Promise<StorageChoice> {
  const { probeStorage } = await import('../image/rootfs/storage-probe.js');
  const { rootsFolder } = await import('../image/rootfs/cache.js');
  const missing = missingFolders(join(rootsFolder(), 'locks'));
  try {
    return await probeStorage(mapsOfContainers(), () => {});
  } finally {
    for (const folder of missing) removeIfEmpty(folder);
  }
}

/** Another command may have put something there meanwhile. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not empty, or never made
  }
}
