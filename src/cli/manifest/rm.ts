import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { describeRemoval } from '../image/rmi.js';
import { print } from '../output.js';

/** `foster manifest rm`. */
export function configure(command: Command): void {
  command.description('Remove lists; their images stay.').argument('<LIST...>', 'lists');
  addHelpAfter(command, ['Examples:', '  foster manifest rm app:1.0']);
  command.action(async (lists: string[]) => {
    const { removeLists } = await import('../../engine/manifest-lists.js');
    for (const { name, id } of await removeLists(lists))
      print(describeRemoval({ untagged: [name], deleted: id }));
  });
}
