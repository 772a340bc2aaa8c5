import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster unpause`. */
export function configure(command: Command): void {
  command
    .description('Resume the processes of paused containers.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough');
  addHelpAfter(command, [
    'Processes that were already stopped before the pause stay stopped.',
    '',
    'Examples:',
    '  foster unpause web',
    '  foster unpause $(foster ps -q --filter status=paused)',
  ]);
  command.action(async (references: string[]) => {
    const { unpause } = await import('../../engine/containers.js');
    await forEachContainer(references, unpause);
  });
}
