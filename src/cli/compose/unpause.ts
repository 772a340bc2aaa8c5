import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf } from './options.js';
import { reportOf } from './progress.js';

/** `foster compose unpause`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Resume the processes of paused services.')
    .argument('[SERVICE...]', 'only the containers of these services');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose unpause worker']);
  command.action(async (services: string[]) => {
    const existing = await existingOf(command);
    const { chosenContainers, pauseContainers } = await import('../../engine/compose/end.js');
    await pauseContainers(chosenContainers(existing, services), false, reportOf(command));
  });
}
