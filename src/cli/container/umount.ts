import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster umount`. */
export function configure(command: Command): void {
  command
    .description('Unmount what foster mount has mounted.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough');
  addHelpAfter(command, ['Examples:', '  foster umount web']);
  command.action(async (references: string[]) => {
    const { unmount } = await import('../../engine/containers.js');
    await forEachContainer(references, unmount);
  });
}
