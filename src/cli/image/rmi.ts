import type { Command } from 'commander';
import type { RemovedImage } from '../../engine/images.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print, reportError, settings } from '../output.js';

interface RemoveOptions {
  all?: boolean;
  force?: boolean;
  ignore?: boolean;
}

/** `foster rmi`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove images: the names given, and the files once the last name is gone.')
    .argument('[IMAGE...]', 'names or ids; the start of an id is enough')
    .option('-a, --all', 'remove all images')
    .option(
      '-f, --force',
      'remove images with several names or stopped containers too; ignore missing images',
    )
    .option('-i, --ignore', 'ignore missing images')
    .option('--no-prune', 'no effect: foster keeps no intermediate images');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster rmi alpine:3.20',
    '  foster rmi $(foster images -q --filter dangling=true)',
  ]);
  command.action(async (texts: string[], options: RemoveOptions) => {
    if (options.all && texts.length > 0) throw new FosterError('--all and images cannot be used together');
    if (!options.all && texts.length === 0)
      throw new FosterError('rmi needs images', {
        advice: "name them, or remove all images with 'foster rmi -a'",
      });
    const { remove } = await import('../../engine/images.js');
    const { removed, failures } = await remove(options.all ? 'all' : texts, { force: options.force });
    for (const image of removed) print(describeRemoval(image));
    for (const failure of failures) {
      const isMissing = failure instanceof FosterError && failure.kind === 'not-found';
      if (isMissing && options.ignore) continue;
      const exitCode = reportError(failure);
      if (!(failure instanceof FosterError)) settings.exitCode = exitCode;
      // as in Docker, with --force a missing image is not a failure
      else if (!isMissing || !options.force) settings.exitCode = 1;
    }
  });
}

/** In Docker's words, a line each. */
export function describeRemoval({ untagged, deleted }: RemovedImage): string {
  const lines = [...untagged.map((name) => `Untagged: ${name}`), ...(deleted ? [`Deleted: ${deleted}`] : [])];
  return lines.map((line) => `${line}\n`).join('');
}
