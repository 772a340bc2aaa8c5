import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { print } from '../output.js';
import { describeRemoval } from './rmi.js';

/** `foster image prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove images without a name, and all blobs and layers that nothing uses.')
    .option('-a, --all', 'remove all images that no container uses')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'remove only matching images: label, label!, until, dangling', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster image prune -f',
    '  foster image prune -a --filter until=48h   images older than two days',
  ]);
  command.action(async (options: { all?: boolean; force?: boolean; filter?: string[] }) => {
    const which = options.all ? 'all images without at least one container' : 'all images without a name';
    if (!options.force && !confirmed(`This will remove ${which}.`)) return;
    const engine = await import('../../engine/images.js');
    const { removed, size } = await engine.prune({ all: options.all ?? false, filters: options.filter });
    if (removed.length > 0) print(`Deleted Images:\n${removed.map(describeRemoval).join('')}\n`);
    print(`Total reclaimed space: ${decimalSize(size)}\n`);
  });
}
