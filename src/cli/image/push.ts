import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { PushedImage, PushRequest } from '../../engine/images.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import {
  addRegistryOptions,
  progressOutput,
  type RegistryFlags,
  registryAccess,
} from './registry-options.js';
import { imageFile, withoutTransport } from './transport.js';

interface PushFlags extends RegistryFlags {
  platform?: string;
  allTags?: boolean;
  digestfile?: string;
  format?: string;
}

/** `foster push`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Upload an image to a registry.')
    .argument('<NAME>', 'the image; its name says which registry')
    .argument('[DESTINATION]', 'push under this name instead, or write a file: docker-archive:PATH')
    .option('-a, --all-tags', 'push all tags that NAME has here; NAME must have none')
    .option('-f, --format <FORMAT>', "oci, or v2s2 for Docker's manifest (default: what the image has)")
    .option('--digestfile <FILE>', 'write the digest of the manifest to FILE')
    .option('--platform <PLATFORM>', 'fail unless the image is for this OS/ARCHITECTURE[/VARIANT]')
    .option('--disable-content-trust', 'no effect: images are not signed');
  addRegistryOptions(command, 'print only the name');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster tag app registry.example.com/team/app:1.0',
    '  foster push registry.example.com/team/app:1.0',
    '  foster push app registry.example.com/team/app:1.0   without foster tag',
    '  foster push -a registry.example.com/team/app        all tags',
    '  foster push localhost:5000/app           a local registry, TLS optional',
    '  foster push app oci-archive:app.tar      as foster save; also docker-archive:,',
    '                                           oci:DIRECTORY and dir:DIRECTORY',
  ]);
  command.action(async (name: string, destination: string | undefined, flags: PushFlags) => {
    const { push, save, tagsHere } = await import('../../engine/images.js');
    const file = destination === undefined ? undefined : imageFile('DESTINATION', destination);
    if (file !== undefined) return await save([name], { format: file.format, output: file.path });
    const request: PushRequest = {
      ...(await registryAccess(flags)),
      platform: flags.platform,
      format: manifestFormat(flags.format),
      progress: flags.quiet ? undefined : progressOutput(),
    };
    const source = destination === undefined ? undefined : name;
    const target = withoutTransport(destination ?? name);
    if (flags.allTags && destination !== undefined)
      throw new FosterError('--all-tags and a destination cannot be used together');
    for (const each of flags.allTags ? await tagsHere(target) : [target]) {
      const pushed = await push(each, request, source);
      if (flags.digestfile !== undefined) writeFileSync(flags.digestfile, pushed.digest);
      print(describe(pushed, flags));
    }
  });
}

function describe({ name, tag, digest, size }: PushedImage, { quiet }: PushFlags): string {
  return quiet ? `${name}\n` : `${tag}: digest: ${digest} size: ${size}\n`;
}

/** The value of --format. @throws FosterError */
export function manifestFormat(text: string | undefined): PushRequest['format'] {
  if (text === undefined) return undefined;
  if (text === 'oci') return 'oci';
  if (text === 'v2s2') return 'docker';
  throw flagError('--format', text, 'expected oci or v2s2');
}
