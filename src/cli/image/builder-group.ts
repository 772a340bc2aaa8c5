import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as build from './build.js';
import * as prune from './builder-prune.js';

/** `foster builder`, and `foster buildx`, which scripts for Docker call. */
export function configure(command: Command, argv: string[]): void {
  command.description('Build images, and remove the build cache.');
  const entries = [
    { name: 'build', summary: 'build an image from a Dockerfile', module: build },
    { name: 'prune', summary: 'remove the build cache', module: prune },
  ];
  configureGroup(command, argv, entries, [`  foster ${command.name()} prune -f`]);
}
