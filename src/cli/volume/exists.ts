import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster volume exists`. */
export function configure(command: Command): void {
  command.description('Exit with 0 if there is such a volume, else with 1.').argument('<VOLUME>', 'its name');
  addHelpAfter(command, ['Examples:', '  foster volume exists data || foster volume create data']);
  command.action(async (volume: string) => {
    const { exists } = await import('../../engine/volumes.js');
    if (!(await exists(volume))) settings.exitCode = 1;
  });
}
