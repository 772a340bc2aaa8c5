import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

/** `foster init`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Check that containers can be started: that their files, volumes and users are there.');
  addSelection(command, ['-a, --all', '-l, --latest'], 'all containers that are not running');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'foster start makes the namespaces and mounts, so there is nothing to undo.',
    '',
    'Examples:',
    '  foster init web',
  ]);
  command.action(async (references: string[], flags: SelectionFlags) => {
    const containers = await chosenContainers(command, references, flags, 'not alive');
    const { checkStart } = await import('../../engine/containers.js');
    await forEachContainer(containers, checkStart);
  });
}
