import type { Command } from 'commander';
import type { RegistryAccess } from '../../engine/images.js';
import { flagError } from '../../spec/parse/flag.js';
import { type PlatformFlags, parsePull, platformOf } from '../../spec/parse/platform.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { addPlatformOptions } from './platform-options.js';
import {
  addRegistryOptions,
  progressOutput,
  type RegistryFlags,
  registryAccess,
} from './registry-options.js';

type PullFlags = RegistryFlags & PlatformFlags & { allTags?: boolean; policy: string };

/** `foster pull`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Download images from registries.')
    .argument('<NAME...>', 'an image: NAME, NAME:TAG or NAME@DIGEST')
    .option('-a, --all-tags', 'pull all tags; NAME must have none')
    .option(
      '--policy <POLICY>',
      'always, missing, newer or never: whether to pull what is here already',
      'always',
    )
    .option('--disable-content-trust', 'no effect: signatures are not checked');
  addPlatformOptions(command, 'of the image');
  addRegistryOptions(command, 'print only the names');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pull alpine                       alpine:latest from docker.io',
    '  foster pull registry.example.com/team/app:1.0',
    '  foster pull --platform linux/arm64 alpine:3.20',
    '  foster pull -a localhost:5000/app        all tags',
    '  foster pull localhost:5000/app           a local registry, TLS optional',
    '',
    'An interrupted pull is resumed: what was downloaded is not downloaded again.',
  ]);
  command.action(async (names: string[], flags: PullFlags) => {
    const { fullName, pull } = await import('../../engine/images.js');
    const policy = parsePull(flags.policy, '--policy');
    const platform = platformOf(flags, process.arch);
    const access = await registryAccess(flags);
    const progress = flags.quiet ? undefined : progressOutput();
    for (const name of flags.allTags ? await allTagsOf(names, access) : names) {
      await pull(name, { ...access, platform, progress, policy });
      print(`${await fullName(name)}\n`);
    }
  });
}

async function allTagsOf(names: string[], access: RegistryAccess): Promise<string[]> {
  const { tagsOf } = await import('../../engine/images.js');
  const found: string[] = [];
  for (const name of names) {
    if (name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/'))
      throw flagError('--all-tags', name, 'it has a tag or digest already', 'give the name alone');
    found.push(...(await tagsOf(name, access)));
  }
  return found;
}
