import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as connect from './connect.js';
import * as create from './create.js';
import * as disconnect from './disconnect.js';
import * as exists from './exists.js';
import * as inspect from './inspect.js';
import * as list from './ls.js';
import * as prune from './prune.js';
import * as remove from './rm.js';

/** `foster network`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Manage networks: containers of a network reach each other, and no others.');
  const entries = [
    { name: 'connect', summary: 'attach a container to a network', module: connect },
    { name: 'create', summary: 'create a network', module: create },
    { name: 'disconnect', summary: 'detach a container from a network', module: disconnect },
    { name: 'exists', summary: 'tell by the exit code whether there is a network', module: exists },
    { name: 'inspect', summary: 'show the details of networks as JSON', module: inspect },
    { name: 'ls', aliases: ['list'], summary: 'list networks', module: list },
    { name: 'prune', summary: 'remove all networks that no container uses', module: prune },
    { name: 'rm', aliases: ['remove'], summary: 'remove networks', module: remove },
  ];
  configureGroup(command, argv, entries, [
    '  foster network create shop',
    '  foster run -d --network shop --name db busybox sleep inf',
    '  foster network inspect shop',
  ]);
}
