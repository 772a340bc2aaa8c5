import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster diff`. */
export function configure(command: Command): void {
  command
    .description('List what a container has made of its files: A added, C changed, D deleted.')
    .argument('<CONTAINER>', 'a name, an id or the start of an id');
  addHelpAfter(command, ['Examples:', '  foster diff web']);
  command.action(async (reference: string) => {
    const { findContainer } = await import('../../container/store.js');
    const { containerChanges } = await import('../../container/tree.js');
    const lines = await containerChanges(findContainer(reference));
    print(lines.map((line) => `${visible(line)}\n`).join(''));
  });
}
