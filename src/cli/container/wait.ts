import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { orReport } from './each.js';

/** `foster wait`. */
export function configure(command: Command): void {
  command
    .description('Wait until containers exit, and print their exit codes.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough');
  addHelpAfter(command, [
    'A container that its restart policy will start again counts as running. For a',
    'stopped container, the exit code is printed at once.',
    '',
    'Examples:',
    '  foster wait job                   its exit code, once it has exited',
    '  foster wait $(foster ps -q)       one per line, in this order',
  ]);
  command.action(async (references: string[]) => {
    const { wait } = await import('../../engine/containers.js');
    // All are waited for from the start: each may be gone by the time that another one ends.
    const codes = references.map(wait);
    for (const code of codes) code.catch(() => {}); // reported below, when its turn comes
    for (const code of codes) await orReport(async () => print(`${await code}\n`));
  });
}
