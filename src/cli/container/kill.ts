import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster kill`. */
export function configure(command: Command): void {
  command
    .description('Send a signal to containers, by default SIGKILL.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option(
      '-s, --signal <SIGNAL>',
      'by name or number',
      (value) => parseSignal('--signal', value),
      parseSignal('--signal', 'KILL'),
    );
  addHelpAfter(command, [
    'Examples:',
    '  foster kill web                   end it and all of its processes at once',
    '  foster kill -s HUP web            many servers reload their configuration',
    '  foster kill -s RTMIN+3 web',
  ]);
  command.action(async (references: string[], { signal }: { signal: number }) => {
    const { kill } = await import('../../engine/containers.js');
    await forEachContainer(references, (reference) => kill(reference, signal));
  });
}
