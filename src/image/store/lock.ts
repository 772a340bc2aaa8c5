import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../../sys/libc.js';
import { dataFolder, makeFolder } from '../../sys/paths.js';
import { type Surroundings, surroundings } from '../../sys/surroundings.js';

/**
 * Whoever adds to the image store, or is about to use something of it that nothing refers to yet, holds this lock
 * together with others; the collection of what is not used (collect.ts) holds it alone.
 */
function openLock(): number {
  makeFolder(dataFolder());
  return openSync(join(dataFolder(), 'images.lock'), 'a+', 0o600);
}

/** By the call that holds it. */
const held = new WeakMap<Surroundings, number>();

/** Keeps the collection away for as long as this process or call goes on. Waits for one that is going on. */
export async function lockStore(): Promise<void> {
  const caller = surroundings();
  if (held.has(caller)) return;
  const lock = openLock();
  held.set(caller, lock);
  while (!lockFile(lock, { wait: caller.ownsProcess, shared: true })) {
    const { pause } = await import('../../sys/poll.js');
    await pause(20);
  }
}

/** As `lockStore`, until `unlockStore`. */
export function unlockStore(): void {
  const caller = surroundings();
  const lock = held.get(caller);
  if (lock !== undefined) closeSync(lock);
  held.delete(caller);
}

/**
 * Runs `use` while nobody else holds the store.
 * @returns undefined, and nothing was done, where somebody does
 */
export async function withExclusiveStore<T>(use: () => Promise<T>): Promise<T | undefined> {
  unlockStore();
  const lock = openLock();
  try {
    return lockFile(lock, { wait: false }) ? await use() : undefined;
  } finally {
    closeSync(lock);
  }
}
