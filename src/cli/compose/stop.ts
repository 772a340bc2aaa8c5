import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf, parseCount } from './options.js';
import { reportOf } from './progress.js';

/** `foster compose stop`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Stop containers without removing them, in the reverse order of their dependencies.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option(
      '-t, --timeout <SECONDS>',
      'how long they may take to end before SIGKILL',
      parseCount('--timeout'),
    );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose stop', '  foster compose stop -t 60 db']);
  command.action(async (services: string[], { timeout }: { timeout?: number }) => {
    const existing = await existingOf(command);
    const { chosenContainers, stopContainers } = await import('../../engine/compose/end.js');
    await stopContainers(existing, chosenContainers(existing, services), timeout, reportOf(command));
  });
}
