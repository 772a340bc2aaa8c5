import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster network exists`. */
export function configure(command: Command): void {
  command
    .description('Exit with 0 if there is such a network, else with 1.')
    .argument('<NETWORK>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, ['Examples:', '  foster network exists shop || foster network create shop']);
  command.action(async (network: string) => {
    const { exists } = await import('../../engine/networks.js');
    if (!(await exists(network))) settings.exitCode = 1;
  });
}
