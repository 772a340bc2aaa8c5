import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { projectOf } from './options.js';
import { reportOf } from './progress.js';
import { addMakeOptions, type MakeFlags, makeRequest } from './up-options.js';

/** `foster compose create`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Create the containers of services without starting them.')
    .argument('[SERVICE...]', 'only these services, and what they depend on');
  addMakeOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose create           then: foster compose start']);
  command.action(async (services: string[], flags: MakeFlags) => {
    const project = await projectOf(command, services);
    const { up } = await import('../../engine/compose/up.js');
    await up(project, { ...makeRequest(project, services, flags), noStart: true }, reportOf(command));
  });
}
