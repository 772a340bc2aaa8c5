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
    const { getImage, tagImage } = await import('../../image/store/images.js');
    const { formatReference, parseReference } = await import('../../image/store/reference.js');
    const { FosterError } = await import('../../sys/errors.js');
    const { descriptor } = getImage(text);
    const references = names.map(parseReference);
    const [wrong] = references.filter(({ digest }) => digest !== undefined);
    if (wrong !== undefined) {
      throw new FosterError('cannot give an image a name with a digest', {
        advice: 'leave out what follows the @',
        exitCode: 1,
      });
    }
    for (const reference of references) await tagImage(formatReference(reference), descriptor);
  });
}
