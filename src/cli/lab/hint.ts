import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags } from '../language.js';
import { viewOf } from './view.js';

/** `foster lab hint`. */
export function configure(command: Command): void {
  command
    .description('Print help with the present step.')
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, ['Examples:', '  foster lab hint']);
  command.action(async (name: string | undefined, flags: LanguageFlags) => {
    const { open } = await import('../../engine/labs.js');
    const { printHint } = await import('./print-step.js');
    printHint(await open(name), viewOf(flags));
  });
}
