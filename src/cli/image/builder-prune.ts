import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';
import { print, settings } from '../output.js';

/** `foster builder prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove the results of steps of earlier builds, unless an image has them.')
    .option('-a, --all', 'no effect: all of the cache is removed')
    .option('-f, --force', 'do not ask for confirmation');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster builder prune -f']);
  command.action(async ({ force }: { force?: boolean }) => {
    if (!force && !confirmed('This will remove the build cache.')) {
      settings.exitCode = 1;
      return;
    }
    const { pruneCache } = await import('../../engine/builds.js');
    print(`Total reclaimed space: ${decimalSize(await pruneCache())}\n`);
  });
}
