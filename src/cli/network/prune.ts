import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print } from '../output.js';

/** `foster network prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove all networks that no container is attached to. The default network stays.')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'remove only matching networks: label, label!, until', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster network prune -f',
    '  foster network prune -f --filter until=24h --filter label!=keep',
  ]);
  command.action(async ({ force, filter }: { force?: boolean; filter?: string[] }) => {
    if (!force && !confirmed('This will remove all networks that no container is attached to.')) return;
    const { prune } = await import('../../engine/networks.js');
    const { removed } = await prune(filter);
    if (removed.length > 0) print(`Deleted Networks:\n${removed.map((name) => `${name}\n`).join('')}\n`);
  });
}
