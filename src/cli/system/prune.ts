import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { confirmed } from '../confirm.js';
import { decimalSize } from '../format/size.js';
import { describeRemoval } from '../image/rmi.js';
import { print, reportError, settings } from '../output.js';

/** `foster system prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove stopped containers, images without a name, and everything else unused.')
    .option('-a, --all', 'remove all images that no container uses, and root filesystems of recipes')
    .option('-f, --force', 'do not ask for confirmation');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster system prune -f', '  foster system prune -af']);
  command.action(async (options: { all?: boolean; force?: boolean }) => {
    const all = options.all ?? false;
    const images = all ? 'all images without a container' : 'all images without a name';
    const warning = `This will remove all stopped containers, ${images}, and cached root filesystems of tar files.`;
    if (!options.force && !confirmed(warning)) {
      settings.exitCode = 1;
      return;
    }
    const { pruneContainers } = await import('../../container/prune.js');
    const { pruneImages } = await import('../../container/remove-image.js');
    const { collect } = await import('../../container/image-use.js');
    const { removed, failures } = await pruneContainers();
    const gone = await pruneImages({ all });
    const collected = await collect({ caches: true, recipes: all });
    if (removed.length > 0) print(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}\n`);
    if (gone.length > 0) print(`Deleted Images:\n${gone.map(describeRemoval).join('')}\n`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
    print(`Total reclaimed space: ${decimalSize(collected?.size ?? 0)}\n`);
  });
}
