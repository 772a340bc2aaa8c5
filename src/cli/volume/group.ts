import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as create from './create.js';
import * as exists from './exists.js';
import * as exportVolume from './export.js';
import * as importVolume from './import.js';
import * as inspect from './inspect.js';
import * as list from './ls.js';
import * as prune from './prune.js';
import * as rm from './rm.js';

/** `foster volume`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Manage volumes: files that outlive containers.');
  const entries = [
    { name: 'create', summary: 'create a volume', module: create },
    { name: 'ls', aliases: ['list'], summary: 'list volumes', module: list },
    { name: 'inspect', summary: 'show the details of volumes as JSON', module: inspect },
    { name: 'exists', summary: 'say by the exit code whether there is a volume', module: exists },
    { name: 'rm', aliases: ['remove'], summary: 'remove volumes', module: rm },
    { name: 'prune', summary: 'remove unused volumes', module: prune },
    { name: 'export', summary: 'write the files of a volume to a tar archive', module: exportVolume },
    { name: 'import', summary: 'unpack a tar archive into a volume', module: importVolume },
  ];
  configureGroup(command, argv, entries, [
    '  foster volume create data',
    '  foster run --rm -v data:/data busybox touch /data/file',
    '  foster volume ls',
  ]);
}
