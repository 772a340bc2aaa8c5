import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';
import { isReaderGone } from '../../sys/errno.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from './each.js';
import { addSelection, chosenContainers } from './selection.js';

interface LogsFlags {
  follow?: boolean;
  tail: string;
  since?: string;
  until?: string;
  timestamps?: boolean;
  details?: boolean;
  names?: boolean;
  color?: boolean;
  latest?: boolean;
}

/** SGR colours that can be read on a light and on a dark screen. */
const COLOURS = [31, 32, 33, 34, 35, 36];

/** `foster logs`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Print the logs of containers in the background, their standard output and standard error kept apart.',
    )
    .option('-f, --follow', 'keep printing new output until the container exits')
    .option('-n, --tail <N>', 'print only the last N lines', 'all')
    .option('--since <TIME>', 'print only output since TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'print only output until TIME')
    .option('-t, --timestamps', 'show the time of each line')
    .option('--details', "show the labels and variables that the container's --log-opt names")
    .option('--names', 'begin each line with the name of the container')
    .option('--color', 'begin each line with the container, in a different colour for each');
  addSelection(command, ['-l, --latest']);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Lines of several containers begin with the start of their ids.',
    '',
    'Examples:',
    '  foster logs web',
    '  foster logs -f --tail 10 web',
    '  foster logs -t --since 5m web',
    '  foster logs web 2>/dev/null      only its standard output',
    '  foster logs -f --names web db',
  ]);
  command.action(async (references: string[], flags: LogsFlags) => {
    const { follow = false, timestamps = false, details = false, names, color } = flags;
    const now = Date.now();
    const options = {
      follow,
      timestamps,
      details,
      tail: parseTail(flags.tail),
      since: flags.since === undefined ? undefined : parseInstant('--since', flags.since, now),
      until: flags.until === undefined ? undefined : parseInstant('--until', flags.until, now),
    };
    const containers = await chosenContainers(command, references, flags);
    const { write } = await import('../../engine/logs.js');
    const isMarked = names || color || containers.length > 1;
    const print = async (container: string, index: number) => {
      const mark = !isMarked ? undefined : names ? ('name' as const) : ('id' as const);
      const colour = color ? COLOURS[index % COLOURS.length] : undefined;
      try {
        await write(container, { ...options, mark, colour }, { 1: 1, 2: 2 });
      } catch (error) {
        if (!isReaderGone(error)) throw error; // otherwise nobody reads any more
      }
    };
    const [only] = containers;
    if (only !== undefined && containers.length === 1) return await print(only, 0);
    if (follow) await Promise.all(containers.map((one, index) => orReport(() => print(one, index))));
    else for (const [index, one] of containers.entries()) await orReport(() => print(one, index));
  });
}

/** As in Docker, a negative number means all lines. */
function parseTail(value: string): number | undefined {
  if (value === 'all' || /^-\d+$/.test(value)) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw flagError('--tail', value, 'expected a number of lines, or all');
}
