import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster umount`. */
export function configure(command: Command): void {
  command
    .description('Unmount what foster mount has mounted.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids');
  addHelpAfter(command, ['Examples:', '  foster umount web']);
  command.action(async (references: string[]) => {
    const { unmountContainer } = await import('../../container/mount.js');
    await forEachContainer(references, unmountContainer);
  });
}
