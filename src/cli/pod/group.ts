import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster pod`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Manage pods: containers that share namespaces, such as the network.');
  const entries: GroupEntry[] = [
    { name: 'create', summary: 'create a pod', load: () => import('./create.js') },
    { name: 'exists', summary: 'check whether a pod exists', load: () => import('./exists.js') },
    { name: 'inspect', summary: 'show the details of pods as JSON', load: () => import('./inspect.js') },
    { name: 'kill', summary: 'send a signal to the containers of pods', load: () => import('./kill.js') },
    { name: 'logs', summary: 'print the logs of the containers of a pod', load: () => import('./logs.js') },
    { name: 'pause', summary: 'freeze all processes of pods', load: () => import('./pause.js') },
    { name: 'prune', summary: 'remove all pods that have ended', load: () => import('./prune.js') },
    { name: 'ps', aliases: ['ls', 'list'], summary: 'list pods', load: () => import('./ps.js') },
    { name: 'restart', summary: 'restart pods', load: () => import('./restart.js') },
    { name: 'rm', summary: 'remove pods with their containers', load: () => import('./rm.js') },
    { name: 'start', summary: 'start the containers of pods', load: () => import('./start.js') },
    {
      name: 'stats',
      summary: 'show the CPU, memory and I/O that containers of pods use',
      load: () => import('./stats.js'),
    },
    { name: 'stop', summary: 'stop the containers of pods', load: () => import('./stop.js') },
    { name: 'top', summary: 'list the processes of a pod', load: () => import('./top.js') },
    { name: 'unpause', summary: 'resume paused pods', load: () => import('./unpause.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster pod create --name shop -p 8080:80',
    '  foster run -d --pod shop --name web busybox httpd -f -p 80',
    '  foster run -d --pod shop --name log busybox sleep inf',
    '  foster pod ps',
    '  foster pod rm -f shop',
  ]);
}
