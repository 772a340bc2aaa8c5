import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags } from '../language.js';
import { viewOf } from './view.js';

/** `foster lab predict`. */
export function configure(command: Command): void {
  command
    .description('Record what you predict for the present step, before you try it: the letter of an answer.')
    .argument('LETTER', 'an answer')
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, ['Examples:', '  foster lab predict b', '  foster lab predict b zombies']);
  command.action(async (letter: string, name: string | undefined, flags: LanguageFlags) => {
    const { open, predict } = await import('../../engine/labs.js');
    const { WORDS } = await import('../../engine/views/lab.js');
    const { printBlocks } = await import('./print-blocks.js');
    const view = viewOf(flags);
    await predict(await open(name), letter);
    printBlocks([view.prose(WORDS.recorded, { letter: letter.toLowerCase() })]);
  });
}
