import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster container exists`. */
export function configure(command: Command): void {
  command
    .description('Exit with code 0 if there is a container, with 1 if there is none. Prints nothing.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('-e, --external', 'no effect: foster sees no containers of other programs');
  addHelpAfter(command, ['Examples:', '  foster container exists web || foster run -d --name web nginx']);
  command.action(async (reference: string) => {
    const { exists } = await import('../../engine/containers.js');
    settings.exitCode = (await exists(reference)) ? 0 : 1;
  });
}
