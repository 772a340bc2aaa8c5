import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { addTimeout, type TimeoutFlags, timeoutOf } from '../container/timeout.js';
import { printDone } from '../output.js';

interface RmFlags extends TimeoutFlags {
  force?: boolean;
}

/** `foster network rm`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove networks that no container is attached to.')
    .argument('<NETWORK...>', 'names or ids; the start of an id is enough')
    .option(
      '-f, --force',
      'remove containers that are attached to it, too, even running ones; ignore missing networks',
    );
  addTimeout(command, 'with --force: stop containers first, and wait so long before SIGKILL');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster network rm shop',
    '  foster network rm $(foster network ls -q --filter label=project=shop)',
    '  foster network rm -f -t 10 shop          with its containers',
  ]);
  command.action(async (networks: string[], flags: RmFlags) => {
    const { force = false } = flags;
    const timeout = timeoutOf(flags);
    if (timeout !== undefined && !force)
      throw new FosterError('network rm --time needs --force: without it, no container is stopped', {
        kind: 'invalid',
      });
    const { remove } = await import('../../engine/networks.js');
    for (const reference of networks) {
      await orReport(async () => {
        try {
          await remove(reference, { force, timeout });
          printDone(`${reference}\n`);
        } catch (error) {
          const isMissing = error instanceof FosterError && error.kind === 'not-found';
          if (!force || !isMissing) throw error;
        }
      });
    }
  });
}
