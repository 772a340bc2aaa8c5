import type { Command } from 'commander';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { parseBoolean } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';

interface AttachFlags {
  stdin: boolean;
  sigProxy?: string;
  detachKeys?: string;
}

/** `foster attach`. */
export function configure(command: Command): void {
  command
    .description('Attach standard input, output and error to a container in the background.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('--no-stdin', 'do not forward standard input')
    .option('--sig-proxy [BOOL]', 'forward signals (default: true)')
    .option('--detach-keys <KEYS>', 'keys that detach from the container (default: ctrl-p,ctrl-q)');
  addHelpAfter(command, [
    'Examples:',
    '  foster attach shell                     detach with ctrl-p ctrl-q',
    '  foster attach --no-stdin --sig-proxy=false web',
  ]);
  command.action(async (reference: string, options: AttachFlags) => {
    const { attach } = await import('../../engine/foreground.js');
    await attach(reference, {
      interactive: options.stdin,
      passSignals:
        typeof options.sigProxy === 'string' ? parseBoolean('--sig-proxy', options.sigProxy) : true,
      detachKeys: parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS),
    });
  });
}
