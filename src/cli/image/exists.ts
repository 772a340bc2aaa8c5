import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster image exists`. */
export function configure(command: Command): void {
  command
    .description('Exit with 0 if there is such an image, else with 1.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, ['Examples:', '  foster image exists app || foster build -t app .']);
  command.action(async (image: string) => {
    const { exists } = await import('../../engine/images.js');
    if (!(await exists(image))) settings.exitCode = 1;
  });
}
