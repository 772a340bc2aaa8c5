import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster pod exists`. */
export function configure(command: Command): void {
  command
    .description('Exit with 0 if there is such a pod, else with 1.')
    .argument('<POD>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, ['Examples:', '  foster pod exists shop || foster pod create shop']);
  command.action(async (pod: string) => {
    const { exists } = await import('../../engine/pods.js');
    if (!(await exists(pod))) settings.exitCode = 1;
  });
}
