import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as df from './df.js';
import * as info from './info.js';
import * as prune from './prune.js';

/** `foster system`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Manage what foster keeps on this machine.').usage('COMMAND');
  configureGroup(command, argv, [
    { name: 'df', summary: 'show what takes how much room', module: df },
    { name: 'prune', summary: 'remove all that is not used', module: prune },
    { name: 'info', summary: 'show what this machine lets foster do', module: info },
  ]);
}
