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
    const which = all ? 'all images without a container' : 'all images without a name';
    const unused = options.volumes ? ', anonymous volumes that no container uses' : '';
    const cached = filter.length === 0 ? ', and cached root filesystems of tar files' : '';
    const matching = filter.length === 0 ? '' : `, as far as they match ${filter.join(' and ')}`;
    const warning = `This will remove all stopped containers, all networks that no container uses, ${which}${unused}${cached}${matching}.`;
    if (!options.force && !confirmed(warning)) return;
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
