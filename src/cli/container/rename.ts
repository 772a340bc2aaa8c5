import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { orReport } from './each.js';

/** `foster rename`. */
export function configure(command: Command): void {
  command
    .description('Give a container another name.')
    .argument('<CONTAINER>', 'its name, its id or the start of it')
    .argument('<NAME>', 'what it is to be called');
  addHelpAfter(command, ['Examples:', '  foster rename brave_otter web']);
  command.action(async (reference: string, name: string) => {
    const { findContainer } = await import('../../container/store.js');
    const { renameContainer } = await import('../../container/rename.js');
    await orReport(() => renameContainer(findContainer(reference), name));
  });
}
