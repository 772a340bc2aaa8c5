import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, reportError, settings } from '../output.js';

/** `foster volume prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove anonymous volumes that no container uses.')
    .option('-a, --all', 'remove unused volumes with a name, too')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'remove only matching volumes: label, label!, until, all', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster volume prune -f',
    '  foster volume prune -a --filter label=project=shop',
  ]);
  command.action(async (flags: { all?: boolean; force?: boolean; filter?: string[] }) => {
    const which = flags.all ? 'all volumes' : 'all anonymous volumes';
    if (!flags.force && !confirmed(`This will remove ${which} that no container uses.`)) return;
    const { prune } = await import('../../engine/volumes.js');
    const { removed, failures, size } = await prune({ all: flags.all, filters: flags.filter });
    if (removed.length > 0) print(`Deleted Volumes:\n${removed.map((name) => `${name}\n`).join('')}\n`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
    print(`Total reclaimed space: ${decimalSize(size)}\n`);
  });
}
