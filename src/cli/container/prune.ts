import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, reportError, settings } from '../output.js';

/** `foster prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove all stopped containers, and anything that a crash left behind.')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'only containers that match, as for foster ps', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster prune -f', '  foster prune -f --filter until=24h']);
  command.action(async ({ force, filter = [] }: { force?: boolean; filter?: string[] }) => {
    const which = filter.length === 0 ? '' : ` that match ${filter.join(' and ')}`;
    if (!force && !confirmed(`This will remove all stopped containers${which}.`)) return;
    const engine = await import('../../engine/containers.js');
    const { removed, failures, size } = await engine.prune(filter);
    if (removed.length > 0) print(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}\n`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
    print(`Total reclaimed space: ${decimalSize(size)}\n`);
  });
}
