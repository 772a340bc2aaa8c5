import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';

/** `foster tag`. */
export function configure(command: Command): void {
  command
    .description('Give an image another name, in addition to those it has.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough')
    .argument('<NAME...>', 'new names; taken from any image that has them now');
  addHelpAfter(command, ['Examples:', '  foster tag app:1.0 registry.example.com/team/app:1.0']);
  command.action(async (text: string, names: string[]) => {
    const { tag } = await import('../../engine/images.js');
    await tag(text, names);
  });
}
