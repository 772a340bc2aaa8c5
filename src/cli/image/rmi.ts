import type { Command } from 'commander';
import type { RemovedImage } from '../../container/remove-image.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { print, settings } from '../output.js';

/** `foster rmi`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove images: their names, and with the last name all that nothing else uses.')
    .argument('<IMAGE...>', 'names, ids or the starts of ids')
    .option(
      '-f, --force',
      'also where containers that have ended were made from it, or an id has several names; no failure where there is none',
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
