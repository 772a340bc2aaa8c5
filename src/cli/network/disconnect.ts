import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';

/** `foster network disconnect`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Detach a container from a network.')
    .argument('<NETWORK>', 'its name or id; the start of the id is enough')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('-f, --force', 'no effect: nothing in a container can prevent it');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster network disconnect shop web']);
  command.action(async (network: string, container: string) => {
    const { disconnect } = await import('../../engine/networks.js');
    await disconnect(network, container);
  });
}
