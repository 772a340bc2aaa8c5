import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, reportError, settings } from '../output.js';

/** `foster prune`. */
export function configure(command: Command): void {
  command
    .description('Remove all stopped containers, and anything that a crash left behind.')
    .option('-f, --force', 'do not ask for confirmation');
  addHelpAfter(command, ['Examples:', '  foster prune -f']);
  command.action(async (options: { force?: boolean }) => {
    if (!options.force && !confirmed('This will remove all stopped containers.')) {
      settings.exitCode = 1;
      return;
    }
    const engine = await import('../../engine/containers.js');
    const { removed, failures } = await engine.prune();
    if (removed.length > 0) print(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
  });
}
