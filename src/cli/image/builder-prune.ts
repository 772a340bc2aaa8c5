import type { Command } from 'commander';
import { filterInstant } from '../../engine/views/filters.js';
import { decimalSize } from '../../engine/views/size.js';
import { flagError } from '../../spec/parse/flag.js';
import { parseSize } from '../../spec/parse/sizes.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print } from '../output.js';

interface PruneOptions {
  force?: boolean;
  filter?: string[];
  keepStorage?: string;
}

/** `foster builder prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove cached results of build steps that no image uses.')
    .option('-a, --all', 'no effect: all of the cache is removed')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--keep-storage <SIZE>', 'keep the newest results, up to SIZE')
    .option('--filter <KEY=VALUE>', 'until=TIME or until=DURATION: only what is older', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster builder prune -f',
    '  foster builder prune -f --filter until=24h',
  ]);
  command.action(async ({ force, filter = [], keepStorage }: PruneOptions) => {
    const before = filter.map(timeOf);
    const keep = keepStorage === undefined ? undefined : parseSize('--keep-storage', keepStorage);
    const which = before.length === 0 ? '' : ` that matches ${filter.join(' and ')}`;
    const but = keepStorage === undefined ? '' : `, but for ${keepStorage} of the newest results`;
    if (!force && !confirmed(`This will remove the build cache${which}${but}.`)) return;
    const { pruneCache } = await import('../../engine/builds.js');
    const size = await pruneCache({ before: before.length === 0 ? undefined : Math.min(...before), keep });
    print(`Total reclaimed space: ${decimalSize(size)}\n`);
  });
}

/** Milliseconds since 1970. @throws FosterError for another filter */
function timeOf(filter: string): number {
  const [, value] = /^until=(.+)$/s.exec(filter) ?? [];
  if (value === undefined) throw flagError('--filter', filter, 'expected until=TIME or until=DURATION');
  return filterInstant(value);
}
