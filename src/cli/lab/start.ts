import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags, languageOf } from '../language.js';

/** `foster lab start`. */
export function configure(command: Command): void {
  command
    .description(
      'Begin a lab, or go on with it. At a terminal, it asks for predictions and runs commands that you type; anywhere else, it prints the present step.',
    )
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, [
    'Its containers are named lab-NAME...; foster lab reset removes them.',
    '',
    'Examples:',
    '  foster lab start zombies',
    '  foster lab start zombies --lang zh',
  ]);
  command.action(async (name: string | undefined, flags: LanguageFlags) => {
    const { startSession } = await import('./session.js');
    await startSession(name, languageOf(flags));
  });
}
