import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster image`: Docker's longer names for commands that also have short ones. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Manage images.');
  const entries: GroupEntry[] = [
    { name: 'ls', aliases: ['list'], summary: 'list images', load: () => import('./images.js') },
    { name: 'inspect', summary: 'show the details of images as JSON', load: () => import('./inspect.js') },
    {
      name: 'exists',
      summary: 'check whether an image exists',
      load: () => import('./exists.js'),
    },
    { name: 'tree', summary: 'show the layers of an image', load: () => import('./tree.js') },
    { name: 'build', summary: 'build an image from a Dockerfile', load: () => import('./build.js') },
    { name: 'history', summary: 'show the history of an image', load: () => import('./history.js') },
    { name: 'pull', summary: 'download images from a registry', load: () => import('./pull.js') },
    { name: 'push', summary: 'upload an image to a registry', load: () => import('./push.js') },
    { name: 'search', summary: 'search a registry for images', load: () => import('./search.js') },
    { name: 'tag', summary: 'give an image another name', load: () => import('./tag.js') },
    { name: 'untag', summary: 'remove names from an image', load: () => import('./untag.js') },
    { name: 'rm', aliases: ['remove'], summary: 'remove images', load: () => import('./rmi.js') },
    { name: 'prune', summary: 'remove unused images', load: () => import('./prune.js') },
    { name: 'load', summary: 'load images from an archive', load: () => import('./load.js') },
    { name: 'save', summary: 'write images to an archive', load: () => import('./save.js') },
    { name: 'import', summary: 'create an image from a root filesystem', load: () => import('./import.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster image ls',
    '  foster image inspect alpine',
    '  foster image prune          remove unused images',
  ]);
}
