import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster kill`. */
export function configure(command: Command): void {
  command
    .description('Send a signal to the commands of containers: SIGKILL, where nothing else is said.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids')
    .option(
      '-s, --signal <SIGNAL>',
      'by name or number',
      (value) => parseSignal('--signal', value),
      parseSignal('--signal', 'KILL'),
    );
  addHelpAfter(command, [
    'Examples:',
    '  foster kill web                   it ends at once, with all of its processes',
    '  foster kill -s HUP web            many servers then read their configuration',
    '  foster kill -s RTMIN+3 web',
  ]);
  command.action(async (references: string[], { signal }: { signal: number }) => {
    const { killContainer } = await import('../../container/kill.js');
    await forEachContainer(references, (container) => killContainer(container, signal));
  });
}
