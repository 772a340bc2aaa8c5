import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { printDone, printError } from '../output.js';

/** `foster volume rm`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove volumes that no container uses, with all their files.')
    .argument('[VOLUME...]', 'names; the start of a random one is enough')
    .option('-a, --all', 'all volumes that no container uses')
    .option('-f, --force', 'ignore volumes that do not exist');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster volume rm data',
    '  foster volume rm $(foster volume ls -q --filter label=project=shop)',
  ]);
  command.action(async (volumes: string[], flags: { all?: boolean; force?: boolean }) => {
    if (flags.all && volumes.length > 0) throw new FosterError('--all and volumes cannot be used together');
    if (!flags.all && volumes.length === 0)
      throw new FosterError('volume rm needs volumes', {
        advice: "name them, or remove all that are unused with 'foster volume rm -a'",
      });
    const { names, remove } = await import('../../engine/volumes.js');
    for (const reference of flags.all ? await names() : volumes) {
      await orReport(async () => {
        try {
          printDone(`${await remove(reference)}\n`);
        } catch (error) {
          const kind = error instanceof FosterError ? error.kind : undefined;
          if (kind === 'not-found' && flags.force)
            printError(`foster: no such volume: ${visible(reference)}\n`);
          else throw error;
        }
      });
    }
  });
}
