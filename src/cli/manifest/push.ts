import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { manifestFormat } from '../image/push.js';
import {
  addRegistryOptions,
  progressOutput,
  type RegistryFlags,
  registryAccess,
} from '../image/registry-options.js';
import { print } from '../output.js';

interface PushFlags extends RegistryFlags {
  all?: boolean;
  digestfile?: string;
  format?: string;
  rm?: boolean;
  purge?: boolean;
  insecure?: boolean;
}

/** `foster manifest push`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Upload a list and its images to a registry.')
    .argument('<LIST>', 'the list; its name says which registry')
    .argument('[DESTINATION]', 'push under this name instead')
    .option('--all', 'no effect: the images are always pushed, too')
    .option('-f, --format <FORMAT>', "oci, or v2s2 for Docker's manifests (default: what the images have)")
    .option('--digestfile <FILE>', 'write the digest of the list to FILE')
    .option('--rm', 'remove the list afterwards')
    .option('-p, --purge', 'same as --rm')
    .option('--insecure', 'same as --tls-verify=false');
  addRegistryOptions(command, 'print only the digest');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster manifest push registry.example.com/app:1.0',
    '  foster manifest push --rm app:1.0 registry.example.com/app:1.0',
  ]);
  command.action(async (list: string, destination: string | undefined, flags: PushFlags) => {
    if (flags.all === false)
      throw new FosterError('manifest push --all=false is not supported: a list needs its images', {
        kind: 'unsupported',
        advice: 'leave it out',
      });
    const engine = await import('../../engine/manifest-lists.js');
    const access = await registryAccess({ ...flags, tlsVerify: flags.tlsVerify && !flags.insecure });
    const digest = await engine.pushList(list, destination?.replace(/^docker:\/\//, ''), {
      ...access,
      format: manifestFormat(flags.format),
      progress: flags.quiet ? undefined : progressOutput(),
    });
    if (flags.digestfile !== undefined) writeFileSync(flags.digestfile, digest);
    if (flags.rm || flags.purge) await engine.removeLists([list]);
    print(`${digest}\n`);
  });
}
