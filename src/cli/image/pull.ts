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
import { imageFile, withoutTransport } from './transport.js';

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
    '  foster pull docker-archive:app.tar       as foster load; also oci-archive:',
    '                                           and oci:DIRECTORY',
    '',
    'An interrupted pull is resumed: what was downloaded is not downloaded again.',
  ]);
  command.action(async (names: string[], flags: PullFlags) => {
    const { fullName, pull } = await import('../../engine/images.js');
    const policy = parsePull(flags.policy, '--policy');
    const platform = platformOf(flags, process.arch);
    const access = await registryAccess(flags);
    const progress = flags.quiet ? undefined : progressOutput();
    const wanted = names.map(withoutTransport);
    for (const name of flags.allTags ? await allTagsOf(wanted, access) : wanted) {
      const file = imageFile('NAME', name);
      if (file !== undefined) {
        await loadFrom(file.path, flags.platform);
        continue;
      }
      await pull(name, { ...access, platform, progress, policy });
      print(`${await fullName(name)}\n`);
    }
  });
}

/** Prints the names of the images, or their ids where they have none. */
async function loadFrom(path: string, platform: string | undefined): Promise<void> {
  const { load } = await import('../../engine/images.js');
  for (const { names, id } of await load(path, { platform }))
    for (const label of names.length === 0 ? [id] : names) print(`${label}\n`);
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
