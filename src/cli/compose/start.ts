import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf } from './options.js';
import { reportOf } from './progress.js';

/** `foster compose start`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Start containers that exist, in the order of their dependencies.')
    .argument('[SERVICE...]', 'only the containers of these services, and of what they depend on');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose start', '  foster compose start db']);
  command.action(async (services: string[]) => {
    const existing = await existingOf(command);
    const { startServices } = await import('../../engine/compose/start.js');
    await startServices(existing, services, reportOf(command));
  });
}
