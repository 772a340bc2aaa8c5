import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster unpause`. */
export function configure(command: Command): void {
  command
    .description('Let the processes of paused containers go on.')
    .argument('<CONTAINER...>', 'names, ids or the starts of ids');
  addHelpAfter(command, [
    'What was stopped already when the container was paused stays so.',
    '',
    'Examples:',
    '  foster unpause web',
    '  foster unpause $(foster ps -q --filter status=paused)',
  ]);
  command.action(async (references: string[]) => {
    const { unpauseContainer } = await import('../../container/pause.js');
    await forEachContainer(references, unpauseContainer);
  });
}
