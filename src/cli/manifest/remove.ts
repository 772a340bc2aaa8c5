import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster manifest remove`. */
export function configure(command: Command): void {
  command
    .description('Remove an image from a list.')
    .argument('<LIST>', 'the list')
    .argument('<IMAGE>', 'the digest of its manifest, or its name');
  addHelpAfter(command, ['Examples:', '  foster manifest remove app:1.0 app:armhf']);
  command.action(async (list: string, image: string) => {
    const { removeFromList } = await import('../../engine/manifest-lists.js');
    print(`${await removeFromList(list, image)}\n`);
  });
}
