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
    .description('Stop running containers: with a signal, then with SIGKILL if that takes too long.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option(
      '-t, --time <SECONDS>',
      'how long to wait before SIGKILL; -1 waits forever (default: the --stop-timeout of the container)',
      parseSeconds,
    )
    .option('--timeout <SECONDS>', 'same as --time', parseSeconds)
    .option(
      '-s, --signal <SIGNAL>',
      'signal to send (default: the --stop-signal of the container)',
      (value) => {
        return parseSignal('--signal', value);
      },
    );
  addHelpAfter(command, [
    'The command gets SIGTERM, or the signal given with --stop-signal. If it is still',
    'running after 10 seconds, every process of the container is killed.',
    '',
    'Examples:',
    '  foster stop web db',
    '  foster stop -t 60 db              allow it more time',
    '  foster stop -s INT $(foster ps -q)',
  ]);
  command.action(async (references: string[], options: Options) => {
    const { stop } = await import('../../engine/containers.js');
    const request = { timeout: options.time ?? options.timeout, stopSignal: options.signal };
    await forEachContainer(references, (reference) => stop(reference, request));
  });
}

/** A number of seconds, -1 for no end. */
export function parseSeconds(value: string): number {
  if (!/^(-1|\d{1,9})$/.test(value)) throw flagError('--time', value, 'expected a number of seconds, or -1');
  return Number(value);
}
