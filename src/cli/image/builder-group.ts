import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster builder`, and `foster buildx`, which scripts for Docker call. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Build images, and remove the build cache.');
  const entries: GroupEntry[] = [
    { name: 'build', summary: 'build an image from a Dockerfile', load: () => import('./build.js') },
    { name: 'prune', summary: 'remove the build cache', load: () => import('./builder-prune.js') },
  ];
  await configureGroup(command, argv, entries, [`  foster ${command.name()} prune -f`]);
}
