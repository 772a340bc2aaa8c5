import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from '../image/registry-options.js';
import { print } from '../output.js';

/** `foster manifest inspect`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description("Show a list as JSON; if it is not here, the registry's.")
    .argument('<LIST>', 'the list, or an image in a registry');
  addRegistryOptions(command);
  command.option('--insecure', 'same as --tls-verify=false');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster manifest inspect app:1.0',
    '  foster manifest inspect alpine:3.20      the platforms that docker.io has',
  ]);
  command.action(async (list: string, flags: RegistryFlags & { insecure?: boolean }) => {
    const { inspectList } = await import('../../engine/manifest-lists.js');
    const access = await registryAccess({ ...flags, tlsVerify: flags.tlsVerify && !flags.insecure });
    print(`${JSON.stringify(await inspectList(list, access), null, 4)}\n`);
  });
}
