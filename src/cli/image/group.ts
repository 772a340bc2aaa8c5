import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as build from './build.js';
import * as exists from './exists.js';
import * as history from './history.js';
import * as list from './images.js';
import * as importImage from './import.js';
import * as inspect from './inspect.js';
import * as load from './load.js';
import * as prune from './prune.js';
import * as pull from './pull.js';
import * as push from './push.js';
import * as rmi from './rmi.js';
import * as save from './save.js';
import * as search from './search.js';
import * as tag from './tag.js';
import * as tree from './tree.js';
import * as untag from './untag.js';

/** `foster image`: Docker's longer names for commands that also have short ones. */
export function configure(command: Command, argv: string[]): void {
  command.description('Manage images.');
  const entries = [
    { name: 'ls', aliases: ['list'], summary: 'list images', module: list },
    { name: 'inspect', summary: 'show the details of images as JSON', module: inspect },
    { name: 'exists', summary: 'say by the exit code whether there is an image', module: exists },
    { name: 'tree', summary: 'show the layers of an image', module: tree },
    { name: 'build', summary: 'build an image from a Dockerfile', module: build },
    { name: 'history', summary: 'show the history of an image', module: history },
    { name: 'pull', summary: 'download images from a registry', module: pull },
    { name: 'push', summary: 'upload an image to a registry', module: push },
    { name: 'search', summary: 'search a registry for images', module: search },
    { name: 'tag', summary: 'give an image another name', module: tag },
    { name: 'untag', summary: 'take names from an image', module: untag },
    { name: 'rm', aliases: ['remove'], summary: 'remove images', module: rmi },
    { name: 'prune', summary: 'remove unused images', module: prune },
    { name: 'load', summary: 'load images from an archive', module: load },
    { name: 'save', summary: 'write images to an archive', module: save },
    { name: 'import', summary: 'create an image from a root filesystem', module: importImage },
  ];
  configureGroup(command, argv, entries, [
    '  foster image ls',
    '  foster image inspect alpine',
    '  foster image prune          remove unused images',
  ]);
}
