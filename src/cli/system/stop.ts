import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from '../container/each.js';

/** `foster system stop`. */
export function configure(command: Command): void {
  command.description(
    'Stop the running containers with the restart policies always and unless-stopped. The next boot, or foster system start, starts them again.',
  );
  addHelpAfter(command, [
    "The unit of 'foster system enable-restart' runs it at shutdown.",
    '',
    'Examples:',
    '  foster system stop',
  ]);
  command.action(async () => {
    const { runningUntilShutdown, stopForShutdown } = await import('../../engine/boot.js');
    await forEachContainer(await runningUntilShutdown(), stopForShutdown);
  });
}
