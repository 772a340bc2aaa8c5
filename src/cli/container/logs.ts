import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';
import { isReaderGone } from '../../sys/errno.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';

interface LogsFlags {
  follow?: boolean;
  tail: string;
  since?: string;
  until?: string;
  timestamps?: boolean;
}

/** `foster logs`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Print the log of a container in the background, its standard output and standard error kept apart.',
    )
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('-f, --follow', 'keep printing new output until the container exits')
    .option('-n, --tail <N>', 'print only the last N lines', 'all')
    .option('--since <TIME>', 'print only output since TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'print only output until TIME')
    .option('-t, --timestamps', 'show the time of each line');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster logs web',
    '  foster logs -f --tail 10 web',
    '  foster logs -t --since 5m web',
    '  foster logs web 2>/dev/null      only its standard output',
  ]);
  command.action(async (reference: string, flags: LogsFlags) => {
    const { write } = await import('../../engine/logs.js');
    const now = Date.now();
    const options = {
      follow: flags.follow ?? false,
      timestamps: flags.timestamps ?? false,
      tail: parseTail(flags.tail),
      since: flags.since === undefined ? undefined : parseInstant('--since', flags.since, now),
      until: flags.until === undefined ? undefined : parseInstant('--until', flags.until, now),
    };
    try {
      await write(reference, options, { 1: 1, 2: 2 });
    } catch (error) {
      if (!isReaderGone(error)) throw error; // nobody reads any more
    }
  });
}

/** As Docker does, a negative number is taken for all. */
function parseTail(value: string): number | undefined {
  if (value === 'all' || /^-\d+$/.test(value)) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw flagError('--tail', value, 'expected a number of lines, or all');
}
