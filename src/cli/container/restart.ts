import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';
import { addStopOptions } from './stop.js';
import { type TimeoutFlags, timeoutOf } from './timeout.js';

interface RestartFlags extends SelectionFlags, TimeoutFlags {
  signal?: number;
  running?: boolean;
}

/** `foster restart`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Stop containers and start them again.');
  addStopOptions(command);
  addSelection(
    command,
    ['-a, --all', '-l, --latest', '-f, --filter <KEY=VALUE>', '--cidfile <FILE>'],
    'all containers, even stopped ones',
  ).option('--running', 'all running containers');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster restart web',
    '  foster restart -t 1 web db',
    '  foster restart --running',
  ]);
  command.action(async (references: string[], flags: RestartFlags) => {
    if (flags.running && flags.all)
      throw new FosterError('--all and --running cannot be used together', { kind: 'invalid' });
    const selection = flags.running ? { ...flags, all: true } : flags;
    const containers = await chosenContainers(
      command,
      references,
      selection,
      flags.running ? 'running' : 'any',
    );
    const { restart } = await import('../../engine/containers.js');
    const request = { timeout: timeoutOf(flags), stopSignal: flags.signal };
    await forEachContainer(containers, (container) => restart(container, request));
  });
}
