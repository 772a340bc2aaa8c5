import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

/** `foster umount`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Undo foster mount.')
    .option('-f, --force', 'no effect: files in use do not prevent it');
  addSelection(command, ['-a, --all', '-l, --latest'], 'all containers that are mounted');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster umount web']);
  command.action(async (references: string[], flags: SelectionFlags) => {
    const engine = await import('../../engine/containers.js');
    const containers =
      flags.all && references.length === 0
        ? (await engine.mounted()).map(({ id }) => id)
        : await chosenContainers(command, references, flags);
    await forEachContainer(containers, engine.unmount);
  });
}
