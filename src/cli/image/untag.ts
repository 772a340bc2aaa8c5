import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';

/** `foster untag`. */
export function configure(command: Command): void {
  command
    .description('Remove names from an image, but not the image itself.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough')
    .argument('[NAME...]', 'the names to remove (default: all)');
  addHelpAfter(command, ['Examples:', '  foster untag app', '  foster untag app app:1.0 app:1']);
  command.action(async (image: string, names: string[]) => {
    const { untag } = await import('../../engine/images.js');
    await untag(image, names);
  });
}
