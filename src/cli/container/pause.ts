import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster pause`. */
export function configure(command: Command): void {
  command
    .description('Stop all processes of containers where they are, until unpause.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids');
  addHelpAfter(command, ['Examples:', '  foster pause web', '  foster unpause web']);
  command.action(async (references: string[]) => {
    const { pauseContainer } = await import('../../container/pause.js');
    await forEachContainer(references, pauseContainer);
  });
}
