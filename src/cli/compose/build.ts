import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { projectOf } from './options.js';
import { printProgressLine, reportOf } from './progress.js';

interface BuildFlags {
  buildArg?: string[];
  cache: boolean;
  pull?: boolean;
  quiet?: boolean;
  withDependencies?: boolean;
}

/** `foster compose build`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Build the images of services.')
    .argument('[SERVICE...]', 'only the images of these services')
    .option('--build-arg <NAME=VALUE>', 'value of an ARG; NAME alone takes it from the environment', collect)
    .option('--no-cache', 'run every step, ignoring the cache')
    .option('--pull', 'check for newer base images')
    .option('--with-dependencies', 'build the images of what they depend on, too')
    .option('-q, --quiet', 'print nothing');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose build', '  foster compose build --no-cache web']);
  command.action(async (services: string[], flags: BuildFlags) => {
    const args = Object.fromEntries((flags.buildArg ?? []).map(argument));
    const project = await projectOf(command, services);
    const { buildService } = await import('../../engine/compose/build.js');
    const { neededBy } = await import('../../engine/compose/needs.js');
    const named = services.length > 0 ? services : Object.keys(project.services);
    const chosen = flags.withDependencies ? [...neededBy(project, named), ...named] : named;
    for (const name of chosen) {
      if (project.services[name]?.build === undefined) continue;
      const choice = {
        args,
        ...(!flags.cache && { noCache: true }),
        ...(flags.pull && { pullsBase: true }),
        quiet: flags.quiet,
        printLine: printProgressLine,
      };
      await buildService(project, name, choice, reportOf(command, flags.quiet));
    }
  });
}

function argument(text: string): [string, string | undefined] {
  const equals = text.indexOf('=');
  if (text === '' || equals === 0) throw flagError('--build-arg', text, 'expected NAME=VALUE');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}
