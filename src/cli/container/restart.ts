import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { warn } from '../output.js';
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
    const { stopContainer } = await import('../../container/stop.js');
    const { startContainer } = await import('../../container/start.js');
    const { attributesOf, recordEvent } = await import('../../container/events/recorder.js');
    await forEachContainer(references, async (container) => {
      await stopContainer(container, { timeout: options.time, signal: undefined });
      await startContainer(container, warn);
      recordEvent('restart', container.record, attributesOf(container.record));
    });
  });
}
