import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { printDone, printError } from '../output.js';
import { orReport } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';
import { addTimeout, type TimeoutFlags, timeoutOf } from './timeout.js';

interface RmFlags extends SelectionFlags, TimeoutFlags {
  force?: boolean;
  depend?: boolean;
  volumes?: boolean;
}

/** `foster rm`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove containers and all files that they have written outside volumes.')
    .option('-f, --force', 'kill running containers first; ignore missing ones');
  addTimeout(command, 'with --force: stop them first, and wait so long before SIGKILL');
  command
    .option('--depend', 'remove containers that share namespaces of these, too')
    .option('-v, --volumes', 'remove their anonymous volumes, too');
  addSelection(command, [
    '-a, --all',
    '-l, --latest',
    '--filter <KEY=VALUE>',
    '--cidfile <FILE>',
    '-i, --ignore',
  ]);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster rm web db',
    '  foster rm -f --all                       remove all containers, even running ones',
    '  foster rm -v db                          remove its anonymous volumes, too',
    '  foster rm --filter status=exited --filter label=job',
    '  foster rm -f -t 10 db                    give it 10 seconds to end by itself',
  ]);
  command.action(async (references: string[], flags: RmFlags) => {
    const { force = false, depend = false, volumes } = flags;
    const timeout = timeoutOf(flags);
    if (timeout !== undefined && !force)
      throw new FosterError('rm --time needs --force: without it, no running container is removed', {
        kind: 'invalid',
      });
    const chosen = await chosenContainers(command, references, flags);
    const engine = await import('../../engine/containers.js');
    const targets = depend ? await engine.withDependents(chosen) : chosen;
    const remove = async (reference: string) => {
      try {
        await engine.remove(reference, { force, timeout, volumes });
        printDone(`${reference}\n`);
      } catch (error) {
        if (!force || !engine.isNotFound(error)) throw error;
        // as in Docker, with --force a missing container is not a failure
        printError(`foster: no such container: ${visible(reference)}\n`);
      }
    };
    await Promise.all(targets.map((reference) => orReport(() => remove(reference))));
  });
}
