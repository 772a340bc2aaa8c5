import type { Command } from 'commander';
import type { RemovedImage } from '../../container/remove-image.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { print, settings } from '../output.js';

/** `foster rmi`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove images: the names given, and the files once the last name is gone.')
    .argument('<IMAGE...>', 'names or ids; the start of an id is enough')
    .option(
      '-f, --force',
      'remove images with several names or stopped containers too; ignore missing images',
    );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster rmi alpine:3.20',
    '  foster rmi $(foster images -q --filter dangling=true)',
  ]);
  command.action(async (texts: string[], options: { force?: boolean }) => {
    const { removeImage } = await import('../../container/remove-image.js');
    const { findImage } = await import('../../image/store/images.js');
    for (const text of texts) {
      const before = settings.exitCode;
      await orReport(async () =>
        print(describeRemoval(await removeImage(text, { force: options.force ?? false }))),
      );
      // as Docker: what shall be gone and is not there is told, but no failure
      if (options.force && findImage(text) === undefined) settings.exitCode = before;
    }
    const { collect } = await import('../../container/image-use.js');
    await collect();
  });
}

/** In Docker's words, a line each. */
export function describeRemoval({ untagged, deleted }: RemovedImage): string {
  const lines = [...untagged.map((name) => `Untagged: ${name}`), ...(deleted ? [`Deleted: ${deleted}`] : [])];
  return lines.map((line) => `${line}\n`).join('');
}
