import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { defineRun, voice } from './run.js';

/** `foster create`. */
export function configure(command: Command, argv: string[]): void {
  defineRun(command, argv, 'Create a container without starting it.', async (request) => {
    const { draftContainer } = await import('../../container/draft.js');
    const { createOnly } = await import('../../container/start.js');
    print(`${await createOnly(request, await draftContainer(request, voice), voice)}\n`);
  });
  addHelpAfter(command, [
    'Examples:',
    '  foster create --name web busybox httpd -f    then: foster start web',
    '  foster start -a $(foster create busybox date)',
  ]);
}
