import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster load`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Load images from an archive or an OCI directory.')
    .option('-i, --input <FILE>', 'archive or directory to read (default: standard input)')
    .option('-q, --quiet', 'print only the names of the images')
    .option('--platform <PLATFORM>', "OS/ARCHITECTURE[/VARIANT] (default: this machine's)");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Reads what docker save, podman save and skopeo copy write: docker-archive and',
    'oci-archive, plain or compressed (gzip, zstd), and OCI directories.',
    '',
    'Examples:',
    '  foster load -i app.tar',
    '  podman save alpine | foster load',
    '  skopeo copy docker://alpine oci:dir:alpine && foster load -i dir',
  ]);
  command.action(async (options: { input?: string; quiet?: boolean; platform?: string }) => {
    if (options.input === undefined && isatty(0)) {
      throw new FosterError('cannot load images from standard input: it is a terminal', {
        advice: 'give -i FILE, or a pipe',
      });
    }
    const { familiarName, load } = await import('../../engine/images.js');
    for (const { names, id } of await load(options.input === '-' ? undefined : options.input, options)) {
      const labels = names.length === 0 ? [id] : await Promise.all(names.map(familiarName));
      const title = names.length === 0 ? 'Loaded image ID: ' : 'Loaded image: ';
      for (const label of labels) print(`${options.quiet ? '' : title}${label}\n`);
    }
  });
}
