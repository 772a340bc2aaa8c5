import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { projectOf } from './options.js';

interface ConfigFlags {
  services?: boolean;
  volumes?: boolean;
  networks?: boolean;
  images?: boolean;
  profiles?: boolean;
  environment?: boolean;
  hash?: string;
  format: string;
  quiet?: boolean;
  output?: string;
}

/** `foster compose config`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Check the files of a project, and print what they say together, with all variables replaced.',
    )
    .argument('[SERVICE...]', 'only these services')
    .option('--services', 'print only the names of services')
    .option('--volumes', 'print only the names of volumes')
    .option('--networks', 'print only the names of networks')
    .option('--images', 'print only the names of images')
    .option('--profiles', 'print only the names of profiles')
    .option('--hash <SERVICE|*>', 'print what identifies the configuration of services')
    .option('--format <FORMAT>', 'yaml or json', 'yaml')
    .option('-q, --quiet', 'only check the files')
    .option('-o, --output <FILE>', 'write to a file')
    .option('--no-interpolate', 'not supported: the schema is about values');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose config -q                  are the files correct?',
    '  foster compose -f a.yaml -f b.yaml config  both together',
    '  foster compose config --services',
  ]);
  command.action(async (services: string[], flags: ConfigFlags) => {
    if (flags.format !== 'yaml' && flags.format !== 'json')
      throw flagError('--format', flags.format, 'expected yaml or json');
    const project = await projectOf(command, services);
    if (flags.quiet) return;
    const { canonicalModel, hashes, imageNames, modelText } = await import('../../engine/compose/config.js');
    const all = { ...project.inactive, ...project.services };
    const lists: [boolean | undefined, () => string[]][] = [
      [flags.services, () => (services.length > 0 ? services : Object.keys(project.services))],
      [flags.volumes, () => Object.keys(project.volumes)],
      [flags.networks, () => Object.keys(project.networks)],
      [flags.images, () => imageNames(project, services)],
      [
        flags.profiles,
        () => [...new Set(Object.values(all).flatMap(({ profiles = [] }) => profiles))].sort(),
      ],
      [flags.hash !== undefined, () => hashes(project, flags.hash ?? '*')],
    ];
    const [, list] = lists.find(([isWanted]) => isWanted) ?? [];
    if (list !== undefined)
      return print(
        list()
          .map((line) => `${line}\n`)
          .join(''),
      );
    const { withOnly } = await import('../../engine/compose/needs.js');
    const text = await modelText(canonicalModel(withOnly(project, services)), flags.format);
    if (flags.output === undefined) print(text);
    else writeFileSync(flags.output, text);
  });
}
