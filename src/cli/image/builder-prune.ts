import type { Command } from 'commander';
import { filterInstant } from '../../engine/views/filters.js';
import { decimalSize } from '../../engine/views/size.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, settings } from '../output.js';

/** `foster builder prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove cached results of build steps that no image uses.')
    .option('-a, --all', 'no effect: all of the cache is removed')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'until=TIME or until=DURATION: only what is older', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster builder prune -f',
    '  foster builder prune -f --filter until=24h',
  ]);
  command.action(async ({ force, filter = [] }: { force?: boolean; filter?: string[] }) => {
    const before = filter.map(timeOf);
    const which = before.length === 0 ? '' : ` that matches ${filter.join(' and ')}`;
    if (!force && !confirmed(`This will remove the build cache${which}.`)) {
      settings.exitCode = 1;
      return;
    }
    const { pruneCache } = await import('../../engine/builds.js');
    print(
      `Total reclaimed space: ${decimalSize(await pruneCache(before.length === 0 ? undefined : Math.min(...before)))}\n`,
    );
  });
}

/** Milliseconds since 1970. @throws FosterError for another filter */
function timeOf(filter: string): number {
  const [, value] = /^until=(.+)$/s.exec(filter) ?? [];
  if (value === undefined) throw flagError('--filter', filter, 'expected until=TIME or until=DURATION');
  return filterInstant(value);
}
