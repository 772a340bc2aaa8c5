import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { orReport } from './each.js';

/** `foster mount`. */
export function configure(command: Command): void {
  command
    .description('Mount the files of containers, read-only, and print where. Works inside foster unshare.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough');
  addHelpAfter(command, ['Examples:', "  foster unshare sh -c 'ls -l $(foster mount web)/etc'"]);
  command.action(async (references: string[]) => {
    const { mount } = await import('../../engine/containers.js');
    for (const reference of references) {
      await orReport(async () => print(`${await mount(reference)}\n`));
    }
  });
}
