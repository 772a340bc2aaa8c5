import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { projectOf } from './options.js';
import { printProgressLine, reportOf } from './progress.js';

interface PullFlags {
  ignoreBuildable?: boolean;
  ignorePullFailures?: boolean;
  includeDeps?: boolean;
  policy?: string;
  quiet?: boolean;
}

/** `foster compose pull`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Pull the images of services.')
    .argument('[SERVICE...]', 'only the images of these services')
    .option('--include-deps', 'pull the images of what they depend on, too')
    .option('--ignore-buildable', 'leave out images that can be built')
    .option('--ignore-pull-failures', 'pull what can be pulled')
    .option('--policy <POLICY>', 'when to pull: always or missing')
    .option('-q, --quiet', 'print nothing while images are pulled');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose pull', '  foster compose pull --policy missing web']);
  command.action(async (services: string[], flags: PullFlags) => {
    if (flags.policy !== undefined && !['always', 'missing'].includes(flags.policy))
      throw flagError('--policy', flags.policy, 'expected always or missing');
    const project = await projectOf(command, services);
    const { pullImages } = await import('../../engine/compose/images.js');
    const { neededBy } = await import('../../engine/compose/needs.js');
    const named = services.length > 0 ? services : Object.keys(project.services);
    const all = flags.includeDeps ? [...named, ...neededBy(project, named)] : named;
    const chosen = all.filter(
      (name) => !(flags.ignoreBuildable && project.services[name]?.build !== undefined),
    );
    const request = { pull: flags.policy, quiet: flags.quiet, printLine: printProgressLine };
    const report = reportOf(command, flags.quiet);
    if (!flags.ignorePullFailures) return await pullImages(project, chosen, request, report);
    for (const name of chosen) await orReport(() => pullImages(project, [name], request, report));
  });
}
