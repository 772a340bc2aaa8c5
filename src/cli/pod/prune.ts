import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, reportError, settings } from '../output.js';

/** `foster pod prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove all pods whose containers have ended, and print their ids.')
    .option('-f, --force', 'do not ask for confirmation');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod prune -f']);
  command.action(async ({ force }: { force?: boolean }) => {
    if (!force && !confirmed('This will remove all pods that have ended, with their containers.')) return;
    const { prune } = await import('../../engine/pods.js');
    const { removed, failures } = await prune();
    print(removed.map((id) => `${id}\n`).join(''));
    failures.forEach(reportError);
    if (failures.length > 0) settings.exitCode = 1;
  });
}
