import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../../sys/libc.js';
import { dataFolder, makeFolder } from '../../sys/paths.js';
import { type Surroundings, surroundings } from '../../sys/surroundings.js';

/**
 * A process that adds to the image store, or is about to use something that nothing refers to yet, holds this lock
 * shared; garbage collection (collect.ts) holds it exclusively.
 */
function openLock(): number {
  makeFolder(dataFolder());
  return openSync(join(dataFolder(), 'images.lock'), 'a+', 0o600);
}

/** Locks by the call that holds them. */
const held = new WeakMap<Surroundings, number>();

/** Holds off garbage collection until the end of this process or call. Waits for one that is running. */
export async function lockStore(): Promise<void> {
  const caller = surroundings();
  if (held.has(caller)) return;
  const lock = openLock();
  held.set(caller, lock);
  while (!lockFile(lock, { wait: caller.ownsProcess, shared: true })) {
    const { waitFor } = await import('../../sys/poll.js');
    await waitFor(20);
  }
}

/** Ends the lock of `lockStore`. */
export function unlockStore(): void {
  const caller = surroundings();
  const lock = held.get(caller);
  if (lock !== undefined) closeSync(lock);
  held.delete(caller);
}

/**
 * Runs `use` while no other process holds the store's lock.
 * @returns undefined, without running it, if another process holds the lock
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
