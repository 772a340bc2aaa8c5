import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster diff`. */
export function configure(command: Command): void {
  command
    .description('List the files that a container has added (A), changed (C) or deleted (D).')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, ['Examples:', '  foster diff web']);
  command.action(async (reference: string) => {
    const { changes } = await import('../../engine/containers.js');
    const lines = await changes(reference);
    print(lines.map((line) => `${visible(line)}\n`).join(''));
  });
}
