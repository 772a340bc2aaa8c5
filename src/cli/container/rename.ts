import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { orReport } from './each.js';

/** `foster rename`. */
export function configure(command: Command): void {
  command
    .description('Rename a container.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .argument('<NAME>', 'the new name');
  addHelpAfter(command, ['Examples:', '  foster rename brave_otter web']);
  command.action(async (reference: string, name: string) => {
    const { rename } = await import('../../engine/containers.js');
    await orReport(() => rename(reference, name));
  });
}
