import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster manifest`: lists of images for several platforms. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Make lists of images for several platforms, and push them.');
  const entries: GroupEntry[] = [
    { name: 'create', summary: 'make a list', load: () => import('./create.js') },
    { name: 'add', summary: 'add images to a list', load: () => import('./add.js') },
    {
      name: 'annotate',
      summary: 'change the entry of an image in a list',
      load: () => import('./annotate.js'),
    },
    { name: 'inspect', summary: 'show a list as JSON', load: () => import('./inspect.js') },
    {
      name: 'exists',
      summary: 'check whether a list exists',
      load: () => import('./exists.js'),
    },
    { name: 'push', summary: 'upload a list and its images to a registry', load: () => import('./push.js') },
    { name: 'remove', summary: 'remove an image from a list', load: () => import('./remove.js') },
    { name: 'rm', summary: 'remove lists', load: () => import('./rm.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster manifest create registry.example.com/app:1.0 app:amd64 app:arm64',
    '  foster manifest push registry.example.com/app:1.0',
  ]);
}
