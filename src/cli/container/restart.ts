import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from './each.js';
import { parseSeconds } from './stop.js';

/** `foster restart`. */
export function configure(command: Command): void {
  command
    .description('Stop containers and start them again.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option('-t, --time <SECONDS>', 'how long to wait before SIGKILL; -1 waits forever', parseSeconds);
  addHelpAfter(command, ['Examples:', '  foster restart web', '  foster restart -t 1 web db']);
  command.action(async (references: string[], options: { time?: number }) => {
    const { restart } = await import('../../engine/containers.js');
    await forEachContainer(references, (reference) => restart(reference, { timeout: options.time }));
  });
}
