import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { SaveFormat } from '../../engine/images.js';
import { SAVE_FORMATS } from '../../engine/save-formats.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';

/** `foster save`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Write images to an archive or an OCI directory.')
    .argument('<IMAGE...>', 'names or ids; the start of an id is enough')
    .option('-o, --output <FILE>', 'archive or directory to write (default: standard output)')
    .option('--format <FORMAT>', SAVE_FORMATS.join(', '), 'docker-archive')
    .option('-m, --multi-image-archive', 'no effect: an archive may have several images')
    .option('--uncompressed', 'no effect: layers are saved as the image has them')
    .option('-q, --quiet', 'no effect: nothing is printed');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster save -o app.tar app:1.0 alpine',
    '  foster save alpine | podman load',
    '  foster save --format oci-dir -o alpine.oci alpine',
  ]);
  command.action(async (texts: string[], options: { output?: string; format: string }) => {
    const { save } = await import('../../engine/images.js');
    const format = SAVE_FORMATS.find((each) => each === options.format);
    if (format === undefined)
      throw flagError('--format', options.format, `expected ${SAVE_FORMATS.join(', ')}`);
    checkOutput(format, options.output);
    await save(texts, { format, output: options.output === '-' ? undefined : options.output });
  });
}

function checkOutput(format: SaveFormat, output: string | undefined): void {
  if (output !== undefined && output !== '-') return;
  if (format === 'oci-dir' || format === 'docker-dir')
    throw new FosterError(`--format ${format} needs a directory`, { advice: 'give -o DIRECTORY' });
  if (!isatty(1)) return;
  throw new FosterError('cannot write an archive to a terminal', { advice: 'give -o FILE, or redirect it' });
}
