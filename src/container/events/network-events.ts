import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../../sys/files.js';
import { containerFolder } from '../../sys/paths.js';

/**
 * Writes down which networks a container is in: its monitor records an event of each when the container starts and when it
 * ends (src/init/state.c).
 */
export function noteNetworks(container: string, networks: readonly { id: string; name: string }[]): void {
  const file = join(containerFolder(container), 'networks');
  if (networks.length > 0) writeFileAtomically(file, networksNote(container, networks), { durable: false });
  // rmSync, even of a file that does not exist, loads a module of Node for trees
  else if (existsSync(file)) rmSync(file, { force: true });
}

/** What is written down. */
export function networksNote(container: string, networks: readonly { id: string; name: string }[]): string {
  return networks.map(({ id, name }) => ` ${id} ${name} type=bridge container=${container}\n`).join('');
}
