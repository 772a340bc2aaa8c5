import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster unshare`. */
export function configure(command: Command): void {
  command
    .description(
      "Run a command as root of the user namespace that containers have: their files are one's own there.",
    )
    .usage('[COMMAND [ARG...]]')
    .argument('[COMMAND...]', 'the command and its arguments; a shell where there is none')
    .passThroughOptions();
  addHelpAfter(command, [
    'Examples:',
    '  foster unshare cat /proc/self/uid_map',
    '  foster unshare chown 33:33 www            for a volume of a container whose user is 33',
    '  foster unshare                            a shell',
  ]);
  command.action(async (words: string[]) => {
    const { unshare } = await import('./unshared-command.js');
    settings.exitCode = await unshare(words.length > 0 ? words : [process.env.SHELL || '/bin/sh']);
  });
}
