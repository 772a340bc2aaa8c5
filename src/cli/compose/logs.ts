import type { Command } from 'commander';
import { parseInstant } from '../../spec/parse/instants.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { parseTail } from '../container/logs.js';
import { LogPrinter } from './log-printer.js';
import { existingOf, parseCount } from './options.js';

interface LogsFlags {
  follow?: boolean;
  tail: string;
  since?: string;
  until?: string;
  timestamps?: boolean;
  color: boolean;
  logPrefix: boolean;
  index?: number;
}

/** `foster compose logs`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Print the logs of the containers of a project, each line with its container.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-f, --follow', 'keep printing new output until the containers exit')
    .option('-n, --tail <N>', 'print only the last N lines of each container', 'all')
    .option('--since <TIME>', 'print only output since TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'print only output until TIME')
    .option('-t, --timestamps', 'show the time of each line')
    .option('--index <NUMBER>', 'only of this container of the service', parseCount('--index'))
    .option('--no-color', 'print without colours')
    .option('--no-log-prefix', 'print without the names of containers');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose logs',
    '  foster compose logs -f --tail 10 web db',
    '  foster compose logs -t --since 5m web',
  ]);
  command.action(async (services: string[], flags: LogsFlags) => {
    const now = Date.now();
    const range = {
      tail: parseTail(flags.tail),
      since: flags.since === undefined ? undefined : parseInstant('--since', flags.since, now),
      until: flags.until === undefined ? undefined : parseInstant('--until', flags.until, now),
    };
    const existing = await existingOf(command);
    const { chosenContainers } = await import('../../engine/compose/end.js');
    const { linesInOrder, linesOf } = await import('../../engine/compose/logs.js');
    const all = chosenContainers(existing, services);
    const chosen = flags.index === undefined ? all : all.filter(({ number }) => number === flags.index);
    const printer = new LogPrinter(
      { hasColour: flags.color, hasPrefix: flags.logPrefix, hasTime: flags.timestamps ?? false },
      chosen.map(({ service, number }) => `${service}-${number}`),
    );
    if (!flags.follow) for await (const line of linesInOrder(chosen, range)) printer.print(line);
    else
      await Promise.all(
        chosen.map(async (one) => {
          for await (const line of linesOf(one, range, true)) printer.print(line);
        }),
      );
  });
}
