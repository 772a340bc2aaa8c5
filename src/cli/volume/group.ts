import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster volume`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Manage volumes: files that outlive containers.');
  const entries: GroupEntry[] = [
    { name: 'create', summary: 'create a volume', load: () => import('./create.js') },
    { name: 'ls', aliases: ['list'], summary: 'list volumes', load: () => import('./ls.js') },
    { name: 'inspect', summary: 'show the details of volumes as JSON', load: () => import('./inspect.js') },
    {
      name: 'exists',
      summary: 'check whether a volume exists',
      load: () => import('./exists.js'),
    },
    { name: 'rm', aliases: ['remove'], summary: 'remove volumes', load: () => import('./rm.js') },
    { name: 'prune', summary: 'remove unused volumes', load: () => import('./prune.js') },
    {
      name: 'export',
      summary: 'write the files of a volume to a tar archive',
      load: () => import('./export.js'),
    },
    { name: 'import', summary: 'unpack a tar archive into a volume', load: () => import('./import.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster volume create data',
    '  foster run --rm -v data:/data busybox touch /data/file',
    '  foster volume ls',
  ]);
}
