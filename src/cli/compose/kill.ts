import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf } from './options.js';
import { reportOf } from './progress.js';

/** `foster compose kill`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Send a signal to containers, by default SIGKILL.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-s, --signal <SIGNAL>', 'by name or number', 'SIGKILL')
    .option('--remove-orphans', 'remove containers of services that the files no longer have');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose kill', '  foster compose kill -s HUP web']);
  command.action(async (services: string[], flags: { signal: string; removeOrphans?: boolean }) => {
    parseSignal('--signal', flags.signal);
    const existing = await existingOf(command);
    const { chosenContainers, killContainers, removeOrphans } = await import('../../engine/compose/end.js');
    await killContainers(chosenContainers(existing, services), flags.signal, reportOf(command));
    if (flags.removeOrphans) await removeOrphans(existing, reportOf(command));
  });
}
