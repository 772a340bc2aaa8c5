import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';

const WARNING =
  'This will remove all containers, running ones too, all images, networks and volumes, the build cache and all cached root filesystems.';

/** `foster system reset`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove all containers and images, and everything else that foster has stored.')
    .option('-f, --force', 'do not ask for confirmation');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Credentials of registries and completion scripts stay.',
    '',
    'Examples:',
    '  foster system reset',
    '  foster system reset -f',
  ]);
  command.action(async ({ force }: { force?: boolean }) => {
    if (!force && !confirmed(WARNING)) return;
    const { reset } = await import('../../engine/system.js');
    await reset();
  });
}
