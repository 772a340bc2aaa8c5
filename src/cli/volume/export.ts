import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';

/** `foster volume export`. */
export function configure(command: Command): void {
  command
    .description('Write the files of a volume as a tar archive.')
    .argument('<VOLUME>', 'its name')
    .option('-o, --output <FILE>', 'write to FILE instead of standard output');
  addHelpAfter(command, [
    'Containers may change the files meanwhile: pause or stop them for a copy of one moment.',
    '',
    'Examples:',
    '  foster volume export -o data.tar data',
    '  foster volume export data | ssh other foster volume import data -',
  ]);
  command.action(async (volume: string, flags: { output?: string }) => {
    const output = flags.output === '-' ? undefined : flags.output;
    if (output === undefined && isatty(1)) {
      throw new FosterError('cannot write an archive to a terminal', {
        advice: 'give -o FILE, or redirect it',
      });
    }
    const { exportFiles } = await import('../../engine/volumes.js');
    await exportFiles(volume, output);
  });
}
