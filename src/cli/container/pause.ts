import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';

/** `foster pause`. */
export function configure(command: Command): void {
  command
    .description('Freeze all processes of containers until foster unpause.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough');
  addHelpAfter(command, ['Examples:', '  foster pause web', '  foster unpause web']);
  command.action(async (references: string[]) => {
    const { pause } = await import('../../engine/containers.js');
    await forEachContainer(references, pause);
  });
}
