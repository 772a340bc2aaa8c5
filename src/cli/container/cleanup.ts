import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

interface CleanupFlags extends SelectionFlags {
  rm?: boolean;
  rmi?: boolean;
}

/** `foster container cleanup`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove what stopped containers no longer need.')
    .option('--rm', 'remove the container, too')
    .option('--rmi', 'remove the container and its image, too');
  addSelection(command, ['-a, --all', '-l, --latest'], 'all containers that are not running');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Mounts and namespaces of a container are gone when it has ended, even if foster was',
    'killed. What foster mount has mounted is unmounted.',
    '',
    'Examples:',
    '  foster container cleanup --rm job',
  ]);
  command.action(async (references: string[], flags: CleanupFlags) => {
    const { rm = false, rmi = false } = flags;
    const containers = await chosenContainers(command, references, flags, 'not alive');
    const { cleanUp } = await import('../../engine/containers.js');
    await forEachContainer(containers, (container) =>
      cleanUp(container, { container: rm || rmi, image: rmi }),
    );
  });
}
