import type { Command } from 'commander';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { warn } from '../output.js';
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
    .description('Start containers that were created, or have ended, in the background.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids')
    .option('-a, --attach', 'show what it writes, pass signals on, and wait for its end')
    .option('-i, --interactive', 'also give it standard input')
    .option('--detach-keys <KEYS>', 'the keys that leave it running (default: ctrl-p,ctrl-q)');
  addHelpAfter(command, [
    'Examples:',
    '  foster start web db',
    '  foster start -a $(foster create busybox date)    its output, and its exit code',
    '  foster start -ai shell                           a shell that was left before',
  ]);
  command.action(async (references: string[], options: StartOptions) => {
    const { findContainer } = await import('../../container/store.js');
    const { startContainer } = await import('../../container/start.js');
    const isAttached = options.attach || options.interactive;
    if (isAttached && references.length > 1) {
      throw new FosterError('start can attach to one container only', { exitCode: 1 });
    }
    if (isAttached) {
      await startContainer(findContainer(references[0] ?? ''), warn, {
        interactive: options.interactive ?? false,
        passSignals: true,
        detachKeys: parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS),
      });
      return;
    }
    await forEachContainer(references, (container) => startContainer(container, warn));
  });
}
