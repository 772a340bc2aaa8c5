import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster network`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Manage networks. Containers reach only other containers in the same network.');
  const entries: GroupEntry[] = [
    { name: 'connect', summary: 'attach a container to a network', load: () => import('./connect.js') },
    { name: 'create', summary: 'create a network', load: () => import('./create.js') },
    {
      name: 'disconnect',
      summary: 'detach a container from a network',
      load: () => import('./disconnect.js'),
    },
    {
      name: 'exists',
      summary: 'check whether a network exists',
      load: () => import('./exists.js'),
    },
    { name: 'inspect', summary: 'show the details of networks as JSON', load: () => import('./inspect.js') },
    { name: 'ls', aliases: ['list'], summary: 'list networks', load: () => import('./ls.js') },
    {
      name: 'prune',
      summary: 'remove all networks that no container uses',
      load: () => import('./prune.js'),
    },
    { name: 'rm', aliases: ['remove'], summary: 'remove networks', load: () => import('./rm.js') },
    {
      name: 'update',
      summary: 'change the name servers that a network asks',
      load: () => import('./update.js'),
    },
  ];
  await configureGroup(command, argv, entries, [
    '  foster network create shop',
    '  foster run -d --network shop --name db busybox sleep inf',
    '  foster network inspect shop',
  ]);
}
