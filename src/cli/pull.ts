import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from './command.js';
import { print } from './output.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from './registry-options.js';

/** `foster pull`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Download images from registries.')
    .argument('<NAME...>', 'an image: NAME, NAME:TAG or NAME@DIGEST')
    .option('--platform <PLATFORM>', "OS/ARCHITECTURE[/VARIANT] instead of the machine's own");
  addRegistryOptions(command, 'print nothing but the names');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pull alpine                       alpine:latest from docker.io',
    '  foster pull registry.example.com/team/app:1.0',
    '  foster pull --platform linux/arm64 alpine:3.20',
    '  foster pull localhost:5000/app           a registry of this machine, also without TLS',
    '',
    'What an interrupted pull has downloaded is not downloaded again.',
  ]);
  command.action(async (names: string[], flags: RegistryFlags & { platform?: string }) => {
    const { formatReference, parseReference } = await import('../image/reference.js');
    const { pullImage } = await import('../image/pull.js');
    const access = await registryAccess(flags);
    const say = (line: string) => print(`${line}\n`);
    for (const reference of names.map(parseReference)) {
      await pullImage(reference, {
        platform: flags.platform,
        ...access,
        tell: flags.quiet ? undefined : { say, stream: process.stdout },
      });
      say(formatReference(reference));
    }
  });
}
