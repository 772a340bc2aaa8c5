import { readSync } from 'node:fs';
import type { Command } from 'commander';
import { addHelpAfter } from './command.js';
import { print, reportError, settings } from './output.js';

/** `foster prune`. */
export function configure(command: Command): void {
  command
    .description('Remove all containers that have ended, and what a crash left behind.')
    .option('-f, --force', 'do not ask');
  addHelpAfter(command, ['Examples:', '  foster prune -f']);
  command.action(async (options: { force?: boolean }) => {
    if (!options.force && !confirmed()) {
      settings.exitCode = 1;
      return;
    }
    const { pruneContainers } = await import('../runtime/prune.js');
    const { removed, failures } = await pruneContainers();
    if (removed.length > 0) print(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
  });
}

/** Asks; anything but a yes, the end of the input too, is a no, as in Docker. */
function confirmed(): boolean {
  print('WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ');
  return /^y(es)?$/i.test(readLine().trim());
}

function readLine(): string {
  const buffer = Buffer.alloc(256);
  try {
    return buffer.toString('utf8', 0, readSync(0, buffer)).split('\n')[0] ?? '';
  } catch {
    // nothing to read from: nobody said yes
    return '';
  }
}
