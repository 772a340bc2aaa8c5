import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';
import { addTimeout, type TimeoutFlags, timeoutOf } from './timeout.js';

interface StopFlags extends SelectionFlags, TimeoutFlags {
  signal?: number;
}

/** `foster stop`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Stop running containers: with a signal, then with SIGKILL if that takes too long.');
  addStopOptions(command);
  addSelection(
    command,
    ['-a, --all', '-l, --latest', '-f, --filter <KEY=VALUE>', '--cidfile <FILE>', '-i, --ignore'],
    'all running containers',
  );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'The command gets SIGTERM, or the signal given with --stop-signal. If it is still',
    'running after 10 seconds, every process of the container is killed.',
    '',
    'Examples:',
    '  foster stop web db',
    '  foster stop -t 60 db              allow it more time',
    '  foster stop -s INT --all',
  ]);
  command.action(async (references: string[], flags: StopFlags) => {
    const containers = await chosenContainers(command, references, flags, 'alive');
    const { stop } = await import('../../engine/containers.js');
    const request = { timeout: timeoutOf(flags), stopSignal: flags.signal };
    await forEachContainer(containers, (container) => stop(container, request));
  });
}

/** How a container is told to end, and how long that may take. */
export function addStopOptions(command: Command): Command {
  addTimeout(
    command,
    'how long to wait before SIGKILL; -1 waits forever (default: the --stop-timeout of the container)',
  );
  return command.option(
    '-s, --signal <SIGNAL>',
    'signal to send (default: the --stop-signal of the container)',
    (value) => parseSignal('--signal', value),
  );
}
