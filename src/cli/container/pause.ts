import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

/** `foster pause`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Freeze all processes of containers until foster unpause.');
  addSelection(
    command,
    ['-a, --all', '-l, --latest', '-f, --filter <KEY=VALUE>', '--cidfile <FILE>'],
    'all running containers',
  );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pause web', '  foster unpause web', '  foster pause --all']);
  command.action(async (references: string[], flags: SelectionFlags) => {
    const containers = await chosenContainers(command, references, flags, 'running');
    const { pause } = await import('../../engine/containers.js');
    await forEachContainer(containers, pause);
  });
}
