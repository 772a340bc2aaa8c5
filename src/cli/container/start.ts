import type { Command } from 'commander';
import { parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

interface StartFlags extends SelectionFlags {
  attach?: boolean;
  interactive?: boolean;
  detachKeys?: string;
  sigProxy?: boolean;
}

/** `foster start`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Start created or stopped containers in the background.')
    .option('-a, --attach', 'print its output, forward signals, and wait until it exits')
    .option('-i, --interactive', 'attach, and forward standard input too')
    .option('--sig-proxy', 'forward signals when attached (default: true)')
    .option('--detach-keys <KEYS>', 'keys that detach from the container (default: ctrl-p,ctrl-q)');
  addSelection(
    command,
    ['--all', '-l, --latest', '-f, --filter <KEY=VALUE>'],
    'all containers that are not running',
  );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster start web db',
    '  foster start --filter label=job',
    '  foster start -a $(foster create busybox date)    its output, and its exit code',
    '  foster start -ai shell                           an interactive shell, again',
  ]);
  command.action(async (references: string[], flags: StartFlags) => {
    const { attach, interactive = false, sigProxy = true, detachKeys } = flags;
    const isAttached = attach || interactive;
    if (flags.sigProxy !== undefined && !isAttached)
      throw new FosterError('start --sig-proxy needs --attach or --interactive', { kind: 'invalid' });
    const containers = await chosenContainers(command, references, flags, 'not alive');
    if (!isAttached) {
      const { start } = await import('../../engine/containers.js');
      return await forEachContainer(containers, start);
    }
    const [only] = containers;
    if (containers.length !== 1 || only === undefined)
      throw new FosterError('start can attach to only one container', { exitCode: 1 });
    const { startAttached } = await import('../../engine/foreground.js');
    await startAttached(only, {
      interactive,
      passSignals: sigProxy,
      detachKeys: parseDetachKeys(detachKeys),
    });
  });
}
