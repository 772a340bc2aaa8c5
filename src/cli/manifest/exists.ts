import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster manifest exists`. */
export function configure(command: Command): void {
  command.description('Exit with 0 if there is such a list, else with 1.').argument('<LIST>', 'its name');
  addHelpAfter(command, ['Examples:', '  foster manifest exists app:1.0 || foster manifest create app:1.0']);
  command.action(async (list: string) => {
    const { listExists } = await import('../../engine/manifest-lists.js');
    if (!(await listExists(list))) settings.exitCode = 1;
  });
}
