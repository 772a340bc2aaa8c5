import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { defineRun } from './run.js';

/** `foster create`. */
export function configure(command: Command, argv: string[]): void {
  defineRun(command, argv, 'Create a container without starting it.', async (request) => {
    const { create } = await import('../../engine/containers.js');
    print(`${await create(request)}\n`);
  });
  addHelpAfter(command, [
    'Examples:',
    '  foster create --name web busybox httpd -f    then: foster start web',
    '  foster start -a $(foster create busybox date)',
  ]);
}
