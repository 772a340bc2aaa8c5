import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import {
  addRegistryOptions,
  progressOutput,
  type RegistryFlags,
  registryAccess,
} from './registry-options.js';

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
      const { push } = await import('../../engine/images.js');
      const request = {
        ...(await registryAccess(flags)),
        platform: flags.platform,
        progress: flags.quiet ? undefined : progressOutput(),
      };
      const target = (destination ?? name).replace(/^docker:\/\//, '');
      const pushed = await push(target, request, destination === undefined ? undefined : name);
      const { tag, digest, size } = pushed;
      print(flags.quiet ? `${pushed.name}\n` : `${tag}: digest: ${digest} size: ${size}\n`);
    },
  );
}
