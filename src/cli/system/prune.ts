import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { confirmed } from '../confirm.js';
import { describeRemoval } from '../image/rmi.js';
import { print, reportError, settings } from '../output.js';

interface PruneOptions {
  all?: boolean;
  force?: boolean;
  volumes?: boolean;
  filter?: string[];
}

/** What will be removed, a line each, as Docker says it. */
function warningOf({ all, volumes, filter = [] }: PruneOptions): string {
  const isAll = filter.length === 0;
  const what = [
    'all stopped containers',
    'all networks that no container uses',
    ...(volumes ? ['all anonymous volumes that no container uses'] : []),
    all ? 'all images without a container' : 'all images without a name',
    ...(isAll ? ['all cached root filesystems of tar files'] : []),
  ];
  const matching = isAll ? '' : `, as far as they match ${filter.join(' and ')}`;
  return `This will remove${matching}:\n${what.map((line) => `  - ${line}\n`).join('')}`;
}

/** `foster system prune`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Remove stopped containers, networks that no container uses, images without a name, and everything else unused.',
    )
    .option('-a, --all', 'remove all images that no container uses, and root filesystems of recipes')
    .option('--volumes', 'remove anonymous volumes that no container uses, too')
    .option('-f, --force', 'do not ask for confirmation')
    .option('--filter <KEY=VALUE>', 'remove only what matches: label, label!, until', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'With --filter, caches stay: they have no labels.',
    '',
    'Examples:',
    '  foster system prune -f',
    '  foster system prune -af --volumes',
    '  foster system prune -f --filter until=24h --filter label!=keep',
  ]);
  command.action(async (options: PruneOptions) => {
    const { all = false, filter = [] } = options;
    if (!options.force && !confirmed(warningOf(options))) return;
    const engine = await import('../../engine/system.js');
    const done = await engine.prune({ all, volumes: options.volumes ?? false, filters: filter });
    const { pods, containers, images, networks, volumes } = done;
    const { removed } = containers;
    const failures = [...pods.failures, ...containers.failures, ...volumes.failures];
    if (pods.removed.length > 0) print(`Deleted Pods:\n${pods.removed.map((id) => `${id}\n`).join('')}\n`);
    if (removed.length > 0) print(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}\n`);
    if (networks.removed.length > 0)
      print(`Deleted Networks:\n${networks.removed.map((name) => `${name}\n`).join('')}\n`);
    if (volumes.removed.length > 0)
      print(`Deleted Volumes:\n${volumes.removed.map((name) => `${name}\n`).join('')}\n`);
    if (images.removed.length > 0)
      print(`Deleted Images:\n${images.removed.map(describeRemoval).join('')}\n`);
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
    print(`Total reclaimed space: ${decimalSize(containers.size + volumes.size + images.size)}\n`);
  });
}
