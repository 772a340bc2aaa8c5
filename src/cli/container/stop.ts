import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { parseSignal } from '../../spec/parse/signals.js';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

interface Options {
  time?: number;
  timeout?: number;
  signal?: number;
}

/** `foster stop`. */
export function configure(command: Command): void {
  command
    .description('Ask containers to end, and make them end when they take too long.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids')
    .option(
      '-t, --time <SECONDS>',
      'how long they may take; -1 for ever (default: --stop-timeout)',
      parseSeconds,
    )
    .option('--timeout <SECONDS>', 'the same as --time', parseSeconds)
    .option('-s, --signal <SIGNAL>', 'what asks them (default: --stop-signal)', (value) => {
      return parseSignal('--signal', value);
    });
  addHelpAfter(command, [
    "The user's process gets SIGTERM, or what --stop-signal said. When it has not",
    'ended after 10 seconds, all of the container is killed.',
    '',
    'Examples:',
    '  foster stop web db',
    '  foster stop -t 60 db              it has much to write',
    '  foster stop -s INT $(foster ps -q)',
  ]);
  command.action(async (references: string[], options: Options) => {
    const { stopContainer } = await import('../../container/stop.js');
    const timeout = options.time ?? options.timeout;
    await forEachContainer(references, (container) =>
      stopContainer(container, { timeout, signal: options.signal }),
    );
  });
}

/** A number of seconds, -1 for no end. */
export function parseSeconds(value: string): number {
  if (!/^(-1|\d{1,9})$/.test(value)) throw flagError('--time', value, 'expected a number of seconds, or -1');
  return Number(value);
}
