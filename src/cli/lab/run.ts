import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags, languageOf } from '../language.js';
import { printBlocks } from './print-blocks.js';

/** `foster lab run`. */
export function configure(command: Command): void {
  command
    .description(
      'Play all steps of a lab with the commands that they show, and remove everything afterwards.',
    )
    .argument('NAME', 'a lab')
    .option('--auto', 'nobody is asked');
  addLanguage(command);
  addHelpAfter(command, [
    'The exit code is 1 if a check fails after its step, or is met before it.',
    '',
    'Examples:',
    '  foster lab run zombies --auto',
  ]);
  command.action(async (name: string, flags: LanguageFlags & { auto?: boolean }) => {
    if (!flags.auto)
      throw new FosterError(`foster lab run plays lab ${name} by itself: give it --auto`, {
        kind: 'invalid',
        advice: `to do it yourself: foster lab start ${name}`,
      });
    const { play } = await import('../../engine/play-lab.js');
    await play(name, languageOf(flags), printBlocks);
  });
}
