import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';

/** `foster export`. */
export function configure(command: Command): void {
  command
    .description('Write the files of a container, without its volumes, as a tar archive.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('-o, --output <FILE>', 'write to FILE instead of standard output');
  addHelpAfter(command, [
    'Examples:',
    '  foster export -o web.tar web',
    '  foster export web | foster import - web:1',
  ]);
  command.action(async (reference: string, options: { output?: string }) => {
    const output = options.output === '-' ? undefined : options.output;
    if (output === undefined && isatty(1)) {
      throw new FosterError('cannot write an archive to a terminal', {
        advice: 'give -o FILE, or redirect it',
      });
    }
    const { exportFiles } = await import('../../engine/containers.js');
    await exportFiles(reference, output);
  });
}
