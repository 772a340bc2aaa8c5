import type { Command } from 'commander';
import { parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addLatest, chosenContainer } from './selection.js';

interface AttachFlags {
  stdin: boolean;
  sigProxy?: boolean;
  detachKeys?: string;
  latest?: boolean;
}

/** `foster attach`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Attach standard input, output and error to a container in the background.')
    .argument('[CONTAINER]', 'its name or id; the start of the id is enough')
    .option('--no-stdin', 'do not forward standard input')
    .option('--sig-proxy', 'forward signals (default: true)')
    .option('--detach-keys <KEYS>', 'keys that detach from the container (default: ctrl-p,ctrl-q)');
  addLatest(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster attach shell                     detach with ctrl-p ctrl-q',
    '  foster attach --no-stdin --sig-proxy=false web',
  ]);
  command.action(async (reference: string | undefined, flags: AttachFlags) => {
    const { stdin, sigProxy = true, detachKeys } = flags;
    const container = await chosenContainer(command, reference, flags);
    const { attach } = await import('../../engine/foreground.js');
    await attach(container, {
      interactive: stdin,
      passSignals: sigProxy,
      detachKeys: parseDetachKeys(detachKeys),
    });
  });
}
