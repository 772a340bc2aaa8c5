import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../sys/libc.js';
import { makeFolder } from '../sys/paths.js';
import { networksFolder } from './folder.js';

/** Runs `use` while no other process changes networks, leases or the network holder. */
export async function withNetworkLock<T>(use: () => T | Promise<T>): Promise<T> {
  makeFolder(networksFolder());
  const lock = openSync(join(networksFolder(), 'lock'), 'a', 0o600);
  try {
    while (!lockFile(lock, { wait: false })) {
      const { waitFor } = await import('../sys/poll.js');
      await waitFor(5);
    }
    return await use();
  } finally {
    closeSync(lock);
  }
}
