import type { Command } from 'commander';
import type { Update } from '../../engine/containers.js';
import { flagError } from '../../spec/parse/flag.js';
import { type LimitFlags, parseChange } from '../../spec/parse/resources.js';
import { parseRestart } from '../../spec/parse/restart.js';
import { parseSignal } from '../../spec/parse/signals.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter, collect } from '../command.js';
import { forEachContainer } from './each.js';
import { addLimitOptions } from './limit-options.js';

/** `foster update`. */
export function configure(command: Command): void {
  command
    .description('Change the options of containers, even while they run.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option('--restart <POLICY>', 'no, on-failure[:COUNT], always or unless-stopped', parseRestart)
    .option('--stop-signal <SIGNAL>', 'signal that foster stop sends', (value) =>
      parseSignal('--stop-signal', value),
    )
    .option('--stop-timeout <SECONDS>', 'how long foster stop waits before SIGKILL', parseSeconds);
  addLimitOptions(command, { collect, short: (value) => value });
  addHelpAfter(command, [
    'Limits of a running container change at once; 0 removes a limit.',
    '',
    'Examples:',
    '  foster update --memory 512m --cpus 1.5 db',
    '  foster update --restart unless-stopped web db',
    '  foster update --stop-timeout 60 db',
  ]);
  command.action(async (references: string[], options: Omit<Update, 'limits'> & LimitFlags) => {
    if (Object.keys(options).length === 0) {
      throw new FosterError('update: no option was given', { advice: "see 'foster update --help'" });
    }
    const { restart, stopSignal, stopTimeout, ...limits } = options;
    const update: Update = {
      ...{ restart, stopSignal, stopTimeout },
      ...(Object.keys(limits).length > 0 && { limits: parseChange(limits) }),
    };
    const engine = await import('../../engine/containers.js');
    await forEachContainer(references, (reference) => engine.update(reference, update));
  });
}

function parseSeconds(value: string): number {
  const LONGEST = 2_147_483; // in milliseconds a 32-bit number
  const seconds = /^\d{1,7}$/.test(value) ? Number(value) : Infinity;
  if (seconds > LONGEST) throw flagError('--stop-timeout', value, 'expected a whole number of seconds');
  return seconds;
}
