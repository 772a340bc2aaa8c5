import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';
import { isReaderGone } from '../../sys/errno.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { outputError } from '../output.js';
import { orReport } from './each.js';
import { addSelection, chosenContainers } from './selection.js';

/** How logs are printed: options, as commander returns them. */
export interface LogFlags {
  follow?: boolean;
  tail: string;
  since?: string;
  until?: string;
  timestamps?: boolean;
  details?: boolean;
  names?: boolean;
  color?: boolean;
}

/** SGR colours that can be read on a light and on a dark screen. */
const COLOURS = [31, 32, 33, 34, 35, 36];

/** `foster logs`. */
export function configure(command: Command, argv: string[]): void {
  command.description(
    'Print the logs of containers in the background, their standard output and standard error kept apart.',
  );
  addLogOptions(command, { tail: '-n, --tail <N>', names: '--names' });
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
  command.action(async (references: string[], flags: LogFlags & { latest?: boolean }) => {
    const options = writeOptions(flags);
    const containers = await chosenContainers(command, references, flags);
    await printWith(options, containers, flags, {
      isMarked: flags.names || flags.color || containers.length > 1,
    });
  });
}

/** Gives a command the options of logs. @param letters the flags of those that have another letter elsewhere */
export function addLogOptions(command: Command, letters: { tail: string; names: string }): Command {
  return command
    .option('-f, --follow', 'keep printing new output until the container exits')
    .option(letters.tail, 'print only the last N lines', 'all')
    .option('--since <TIME>', 'print only output since TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'print only output until TIME')
    .option('-t, --timestamps', 'show the time of each line')
    .option('--details', "show the labels and variables that the container's --log-opt names")
    .option(letters.names, 'begin each line with the name of the container')
    .option('--color', 'begin each line with the container, in a different colour for each');
}

type WriteOptions = ReturnType<typeof writeOptions>;

function writeOptions(flags: LogFlags) {
  const { follow = false, timestamps = false, details = false, tail, since, until } = flags;
  const now = Date.now();
  return {
    follow,
    timestamps,
    details,
    tail: parseTail(tail),
    since: since === undefined ? undefined : parseInstant('--since', since, now),
    until: until === undefined ? undefined : parseInstant('--until', until, now),
  };
}

/** Prints the logs of containers. @param how.isMarked each line begins with its container */
export async function printLogs(
  containers: readonly string[],
  flags: LogFlags,
  how: { isMarked: boolean | undefined },
): Promise<void> {
  await printWith(writeOptions(flags), containers, flags, how);
}

async function printWith(
  options: WriteOptions,
  containers: readonly string[],
  { names, color }: LogFlags,
  { isMarked }: { isMarked: boolean | undefined },
): Promise<void> {
  const { write } = await import('../../engine/logs.js');
  const print = async (container: string, index: number) => {
    const mark = !isMarked ? undefined : names ? ('name' as const) : ('id' as const);
    const colour = color ? COLOURS[index % COLOURS.length] : undefined;
    try {
      await write(container, { ...options, mark, colour }, { 1: 1, 2: 2 });
    } catch (error) {
      if (isReaderGone(error)) return; // nobody reads any more
      throw error instanceof Error && 'syscall' in error && error.syscall === 'write'
        ? outputError(error)
        : error;
    }
  };
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return await print(only, 0);
  if (options.follow) await Promise.all(containers.map((one, index) => orReport(() => print(one, index))));
  else for (const [index, one] of containers.entries()) await orReport(() => print(one, index));
}

/** As in Docker, a negative number means all lines. */
export function parseTail(value: string): number | undefined {
  if (value === 'all' || /^-\d+$/.test(value)) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw flagError('--tail', value, 'expected a number of lines, or all');
}
