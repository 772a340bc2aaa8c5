import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from './registry-options.js';

/** `foster push`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Upload an image to a registry.')
    .argument('<NAME>', 'the image; its name says which registry')
    .argument('[DESTINATION]', 'push under this name instead')
    .option('--platform <PLATFORM>', 'fail unless the image is for this OS/ARCHITECTURE[/VARIANT]');
  addRegistryOptions(command, 'print only the name');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster tag app registry.example.com/team/app:1.0',
    '  foster push registry.example.com/team/app:1.0',
    '  foster push app registry.example.com/team/app:1.0   without foster tag',
    '  foster push localhost:5000/app           a local registry, TLS optional',
  ]);
  command.action(
    async (name: string, destination: string | undefined, flags: RegistryFlags & { platform?: string }) => {
      const { formatReference, parseReference } = await import('../../image/store/reference.js');
      const { pushImage } = await import('../../image/registry/push.js');
      const reference = parseReference((destination ?? name).replace(/^docker:\/\//, ''));
      const say = (line: string) => print(`${line}\n`);
      const { descriptor } = await pushImage(
        reference,
        {
          platform: flags.platform,
          ...(await registryAccess(flags)),
          progress: flags.quiet ? undefined : { printLine: say, stream: process.stdout },
        },
        destination === undefined ? undefined : name,
      );
      const { digest, size } = descriptor;
      const which = reference.tag ?? reference.digest;
      say(flags.quiet ? formatReference(reference) : `${which}: digest: ${digest} size: ${size}`);
    },
  );
}
