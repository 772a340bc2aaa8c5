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
      'Print what a detached container has written: its standard output to standard output, the rest to standard error.',
    )
    .argument('<CONTAINER>', 'name, id or the start of an id')
    .option('-f, --follow', 'go on with what comes, until the container has ended')
    .option('-n, --tail <N>', 'only so many lines from the end, or all', 'all')
    .option('--since <TIME>', 'only what came since: 2026-11-24T15:00:00Z, or 10m ago')
    .option('--until <TIME>', 'only what came until then')
    .option('-t, --timestamps', 'show when each line came');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster logs web',
    '  foster logs -f --tail 10 web',
    '  foster logs -t --since 5m web',
    '  foster logs web 2>/dev/null      without what it wrote to standard error',
  ]);
  command.action(async (reference: string, flags: LogsFlags) => {
    const { findContainer } = await import('../../container/store.js');
    const { writeLog } = await import('../../container/logs/write.js');
    const now = Date.now();
    const options = {
      follow: flags.follow ?? false,
      timestamps: flags.timestamps ?? false,
      tail: parseTail(flags.tail),
      since: flags.since === undefined ? undefined : parseInstant('--since', flags.since, now),
      until: flags.until === undefined ? undefined : parseInstant('--until', flags.until, now),
    };
    try {
      await writeLog(findContainer(reference), options, { 1: 1, 2: 2 });
    } catch (error) {
      if (!isReaderGone(error)) throw error; // nobody reads any more: that is all
    }
  });
}

/** As Docker does, a negative number is taken for all. */
function parseTail(value: string): number | undefined {
  if (value === 'all' || /^-\d+$/.test(value)) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw flagError('--tail', value, 'expected a number of lines, or all');
}
