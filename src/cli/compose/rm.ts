import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';
import { existingOf, isDryRun } from './options.js';
import { reportOf } from './progress.js';

interface RmFlags {
  force?: boolean;
  stop?: boolean;
  volumes?: boolean;
}

/** `foster compose rm`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove containers that are not running.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-f, --force', 'do not ask')
    .option('-s, --stop', 'stop them first')
    .option('-v, --volumes', 'remove their volumes without a name, too');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose rm -f', '  foster compose rm -fsv worker']);
  command.action(async (services: string[], { force, stop, volumes }: RmFlags) => {
    const existing = await existingOf(command);
    const { chosenContainers, endedOf, removeContainers } = await import('../../engine/compose/end.js');
    const containers = chosenContainers(existing, services);
    const names = (stop ? containers : endedOf(containers)).map(({ name }) => name);
    if (names.length === 0) return;
    if (!force && !isDryRun(command) && !confirmed(`This removes ${names.join(', ')}.`)) return;
    await removeContainers(existing, containers, { stops: stop, volumes }, reportOf(command));
  });
}
