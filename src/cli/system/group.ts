import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as df from './df.js';
import * as events from './events.js';
import * as info from './info.js';
import * as prune from './prune.js';

/** `foster system`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Show and free disk space.');
  const entries = [
    { name: 'df', summary: 'show disk usage', module: df },
    { name: 'prune', summary: 'remove everything that is unused', module: prune },
    { name: 'events', summary: 'print events as they happen', module: events },
    { name: 'info', summary: 'show what foster can do on this machine', module: info },
  ];
  configureGroup(command, argv, entries, [
    '  foster system df            disk usage of images and containers',
    '  foster system prune         remove everything that is unused',
  ]);
}
