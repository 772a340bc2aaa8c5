import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

/** `foster kill`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Send a signal to containers, by default SIGKILL.')
    .option(
      '-s, --signal <SIGNAL>',
      'by name or number',
      (value) => parseSignal('--signal', value),
      parseSignal('--signal', 'KILL'),
    );
  addSelection(
    command,
    ['-a, --all', '-l, --latest', '--filter <KEY=VALUE>', '--cidfile <FILE>'],
    'all running containers',
  );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster kill web                   end it and all of its processes at once',
    '  foster kill -s HUP web            many servers reload their configuration',
    '  foster kill -s RTMIN+3 web',
  ]);
  command.action(async (references: string[], flags: SelectionFlags & { signal: number }) => {
    const containers = await chosenContainers(command, references, flags, 'alive');
    const { kill } = await import('../../engine/containers.js');
    await forEachContainer(containers, (container) => kill(container, flags.signal));
  });
}
