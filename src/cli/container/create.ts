import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { defineRun, voice } from './run.js';

/** `foster create`. */
export function configure(command: Command, argv: string[]): void {
  defineRun(command, argv, 'Create a container without starting it.', async (request) => {
    const { createOnly } = await import('../../container/start.js');
    const draft =
      request.bundle === undefined
        ? await (await import('../../container/draft.js')).draftContainer(request, voice)
        : await (await import('../../container/bundle.js')).draftBundle(request, request.bundle, voice);
    print(`${await createOnly(request, draft, voice)}\n`);
  });
  addHelpAfter(command, [
    'Examples:',
    '  foster create --name web busybox httpd -f    then: foster start web',
    '  foster start -a $(foster create busybox date)',
  ]);
}
