import type { Command } from 'commander';
import { FosterError } from '../errors.js';
import { addHelpAfter } from './command.js';
import { print, reportError, settings } from './output.js';

/** `foster rm`. */
export function configure(command: Command): void {
  command
    .description('Remove containers with all they have written.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids')
    .option('-f, --force', 'also those that run: they are killed');
  addHelpAfter(command, [
    'Examples:',
    '  foster rm web db',
    '  foster rm -f $(foster ps -aq)    remove all containers, whatever they do',
  ]);
  command.action(async (references: string[], options: { force?: boolean }) => {
    const force = options.force ?? false;
    const { findContainer } = await import('../runtime/store.js');
    const { removeContainer } = await import('../runtime/remove.js');
    for (const reference of references) {
      try {
        await removeContainer(await findContainer(reference), { force });
        print(`${reference}\n`);
      } catch (error) {
        if (!(error instanceof FosterError)) throw error;
        // the others are still to be removed
        reportError(error);
        settings.exitCode = 1;
      }
    }
  });
}
