import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';

/** Networks, leases of addresses, and the lock file of the network holder: docs/state.md. */
export function networksFolder(): string {
  return join(dataFolder(), 'networks');
}
