import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { print, printError } from '../output.js';
import { orReport } from './each.js';

/** `foster rm`. */
export function configure(command: Command): void {
  command
    .description('Remove containers and all files that they have written.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option('-f, --force', 'kill running containers first; ignore missing ones')
    .option('-v, --volumes', 'no effect: anonymous volumes are always removed with their container');
  addHelpAfter(command, [
    'Examples:',
    '  foster rm web db',
    '  foster rm -f $(foster ps -aq)    remove all containers, even running ones',
  ]);
  command.action(async (references: string[], { force = false }: { force?: boolean }) => {
    const engine = await import('../../engine/containers.js');
    const remove = async (reference: string) => {
      try {
        await engine.remove(reference, { force });
        print(`${reference}\n`);
      } catch (error) {
        if (!force || !engine.isNotFound(error)) throw error;
        // as in Docker: with --force, a container that is not there is no failure
        printError(`foster: no such container: ${visible(reference)}\n`);
      }
    };
    await Promise.all(references.map((reference) => orReport(() => remove(reference))));
  });
}
