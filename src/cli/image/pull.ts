import type { Command } from 'commander';
import type { RegistryAccess } from '../../image/registry/registry.js';
import type { Reference } from '../../image/store/reference.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from './registry-options.js';

type PullFlags = RegistryFlags & { platform?: string; allTags?: boolean };

/** `foster pull`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Download images from registries.')
    .argument('<NAME...>', 'an image: NAME, NAME:TAG or NAME@DIGEST')
    .option('-a, --all-tags', 'pull all tags; NAME must have none')
    .option('--platform <PLATFORM>', "OS/ARCHITECTURE[/VARIANT] (default: this machine's)");
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
    const { formatReference, parseReference } = await import('../../image/store/reference.js');
    const { pullImage } = await import('../../image/registry/pull.js');
    const access = await registryAccess(flags);
    const say = (line: string) => print(`${line}\n`);
    for (const reference of await wantedOf(names.map(parseReference), names, flags, access)) {
      await pullImage(reference, {
        platform: flags.platform,
        ...access,
        progress: flags.quiet ? undefined : { printLine: say, stream: process.stdout },
      });
      say(formatReference(reference));
    }
  });
}

/** With --all-tags, a reference for each tag that the registry has. */
async function wantedOf(
  references: Reference[],
  names: string[],
  { allTags }: PullFlags,
  access: RegistryAccess,
): Promise<Reference[]> {
  if (!allTags) return references;
  const { listTags } = await import('../../image/registry/list-tags.js');
  const found: Reference[] = [];
  for (const [index, reference] of references.entries()) {
    const name = names[index] ?? '';
    if (name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/'))
      throw flagError('--all-tags', name, 'it has a tag or digest already', 'give the name alone');
    for (const tag of await listTags(reference, access)) found.push({ ...reference, tag });
  }
  return found;
}
