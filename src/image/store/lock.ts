import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../../sys/libc.js';
import { dataFolder, makeFolder } from '../../sys/paths.js';

/**
 * Whoever adds to the image store, or is about to use something of it that nothing refers to yet, holds this lock
 * together with others; the collection of what is not used (collect.ts) holds it alone.
 */
function openLock(): number {
  makeFolder(dataFolder());
  return openSync(join(dataFolder(), 'images.lock'), 'a+', 0o600);
}

let held: number | undefined;

/** Keeps the collection away for as long as this process lives. Waits for one that is going on. */
export function holdStore(): void {
  if (held !== undefined) return;
  held = openLock();
  lockFile(held, { wait: true, shared: true });
}

/** As `holdStore`, until `letGoOfStore`. */
export function letGoOfStore(): void {
  if (held !== undefined) closeSync(held);
  held = undefined;
}

/**
 * Runs `use` while nobody else holds the store.
 * @returns undefined, and nothing was done, where somebody does
 */
export async function withStoreAlone<T>(use: () => Promise<T>): Promise<T | undefined> {
  letGoOfStore();
  const lock = openLock();
  try {
    return lockFile(lock, { wait: false }) ? await use() : undefined;
  } finally {
    closeSync(lock);
  }
}
