import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { SaveFormat } from '../../image/archive/save.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';

/** `foster save`. */
export function configure(command: Command): void {
  command
    .description('Write images to an archive or an OCI directory.')
    .argument('<IMAGE...>', 'names or ids; the start of an id is enough')
    .option('-o, --output <FILE>', 'archive or directory to write (default: standard output)')
    .option('--format <FORMAT>', 'docker-archive, oci-archive or oci-dir', 'docker-archive');
  addHelpAfter(command, [
    'Examples:',
    '  foster save -o app.tar app:1.0 alpine',
    '  foster save alpine | podman load',
    '  foster save --format oci-dir -o alpine.oci alpine',
  ]);
  command.action(async (texts: string[], options: { output?: string; format: string }) => {
    const { SAVE_FORMATS, saveImages } = await import('../../image/archive/save.js');
    const format = SAVE_FORMATS.find((each) => each === options.format);
    if (format === undefined)
      throw flagError('--format', options.format, `expected ${SAVE_FORMATS.join(', ')}`);
    checkOutput(format, options.output);
    const { lockStore } = await import('../../image/store/lock.js');
    await lockStore();
    const { findSavedImages } = await import('../../image/archive/saved-images.js');
    await saveImages(findSavedImages(texts), format, options.output === '-' ? undefined : options.output);
  });
}

function checkOutput(format: SaveFormat, output: string | undefined): void {
  if (output !== undefined && output !== '-') return;
  if (format === 'oci-dir')
    throw new FosterError('--format oci-dir needs a directory', { advice: 'give -o DIRECTORY' });
  if (!isatty(1)) return;
  throw new FosterError('cannot write an archive to a terminal', { advice: 'give -o FILE, or redirect it' });
}
