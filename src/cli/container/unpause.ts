import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

/** `foster unpause`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Resume the processes of paused containers.');
  addSelection(
    command,
    ['-a, --all', '-l, --latest', '-f, --filter <KEY=VALUE>', '--cidfile <FILE>'],
    'all paused containers',
  );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Processes that were already stopped before the pause stay stopped.',
    '',
    'Examples:',
    '  foster unpause web',
    '  foster unpause --all',
  ]);
  command.action(async (references: string[], flags: SelectionFlags) => {
    const containers = await chosenContainers(command, references, flags, 'paused');
    const { unpause } = await import('../../engine/containers.js');
    await forEachContainer(containers, unpause);
  });
}
