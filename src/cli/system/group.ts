import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster system`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Show and free disk space; start containers again after a reboot.');
  const entries: GroupEntry[] = [
    { name: 'df', summary: 'show disk usage', load: () => import('./df.js') },
    { name: 'prune', summary: 'remove everything that is unused', load: () => import('./prune.js') },
    {
      name: 'reset',
      summary: 'remove all containers and images, and everything else',
      load: () => import('./reset.js'),
    },
    {
      name: 'enable-restart',
      summary: 'start containers with a restart policy after a reboot',
      load: () => import('./enable-restart.js'),
    },
    {
      name: 'disable-restart',
      summary: 'undo enable-restart',
      load: () => import('./disable-restart.js'),
    },
    { name: 'start', summary: 'start them, as after a reboot', load: () => import('./start.js') },
    { name: 'stop', summary: 'stop them, as before a reboot', load: () => import('./stop.js') },
    { name: 'events', summary: 'print events as they happen', load: () => import('./events.js') },
    { name: 'info', summary: 'show what foster can do on this machine', load: () => import('./info.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster system df            disk usage of images and containers',
    '  foster system prune         remove everything that is unused',
    '  foster system enable-restart',
  ]);
}
