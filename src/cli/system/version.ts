import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { VERSION } from '../version.js';

/** `foster version`, for bug reports. */
export function configure(command: Command): void {
  command.description('Show the versions of foster and Node.');
  addHelpAfter(command, ['Examples:', '  foster version']);
  command.action(() => {
    print(`foster ${VERSION}, Node ${process.version}, ${process.platform}/${process.arch}\n`);
  });
}
