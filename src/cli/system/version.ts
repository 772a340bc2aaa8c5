import type { Command } from 'commander';
import { print } from '../output.js';
import { VERSION } from '../version.js';

/** `foster version`: what to put in a bug report. */
export function configure(command: Command): void {
  command.description('Show the versions of foster and Node.').action(() => {
    print(`foster ${VERSION}, Node ${process.version}, ${process.platform}/${process.arch}\n`);
  });
}
