import type { Command } from 'commander';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

interface StartOptions {
  attach?: boolean;
  interactive?: boolean;
  detachKeys?: string;
  sigProxy?: string;
}

/** `foster start`. */
export function configure(command: Command): void {
  command
    .description('Start created or stopped containers in the background.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option('-a, --attach', 'print its output, forward signals, and wait until it exits')
    .option('-i, --interactive', 'attach, and forward standard input too')
    .option('--detach-keys <KEYS>', 'keys that detach from the container (default: ctrl-p,ctrl-q)');
  addHelpAfter(command, [
    'Examples:',
    '  foster start web db',
    '  foster start -a $(foster create busybox date)    its output, and its exit code',
    '  foster start -ai shell                           an interactive shell, again',
  ]);
  command.action(async (references: string[], options: StartOptions) => {
    const isAttached = options.attach || options.interactive;
    if (isAttached && references.length > 1) {
      throw new FosterError('start can attach to only one container', { exitCode: 1 });
    }
    if (isAttached) {
      const { startAttached } = await import('../../engine/foreground.js');
      await startAttached(references[0] ?? '', {
        interactive: options.interactive ?? false,
        passSignals: true,
        detachKeys: parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS),
      });
      return;
    }
    const { start } = await import('../../engine/containers.js');
    await forEachContainer(references, start);
  });
}
