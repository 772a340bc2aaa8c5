import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { settings } from '../output.js';

/** `foster unshare`. */
export function configure(command: Command): void {
  command
    .description(
      'Run a command as root of the user namespace of your containers, where you own all of their files.',
    )
    .usage('[COMMAND [ARG...]]')
    .argument('[COMMAND...]', 'the command and its arguments (default: your shell)')
    .passThroughOptions();
  addHelpAfter(command, [
    'Examples:',
    '  foster unshare cat /proc/self/uid_map',
    '  foster unshare chown 33:33 www            for a volume of a container user 33',
    '  foster unshare                            a shell',
  ]);
  command.action(async (words: string[]) => {
    const { unshare } = await import('../../engine/system.js');
    const { pid, exitCode } = await unshare(words.length > 0 ? words : [process.env.SHELL || '/bin/sh']);
    // Signals of a terminal also reach the command. The others are passed on.
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.kill(pid, signal));
    settings.exitCode = await exitCode;
  });
}
