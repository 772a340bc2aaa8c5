import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags } from '../language.js';
import { viewOf } from './view.js';

/** `foster lab reset`. */
export function configure(command: Command): void {
  command
    .description(
      'Remove everything that a lab has made: containers, pods, networks, volumes, images, files, and your progress.',
    )
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, ['Examples:', '  foster lab reset', '  foster lab reset zombies']);
  command.action(async (name: string | undefined, flags: LanguageFlags) => {
    const { reset } = await import('../../engine/labs.js');
    const { WORDS } = await import('../../engine/views/lab.js');
    const { printBlocks } = await import('./print-blocks.js');
    const view = viewOf(flags);
    printBlocks([view.prose(WORDS.wasReset, { name: await reset(name) })]);
  });
}
