import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addLogOptions, type LogFlags, printLogs } from '../container/logs.js';

interface PodLogFlags extends LogFlags {
  container?: string;
  latest?: boolean;
}

/** `foster pod logs`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Print the logs of the containers of a pod. Lines begin with the start of their ids.')
    .argument('[POD]', 'its name or id; the start of the id is enough')
    .option('-c, --container <CONTAINER>', 'only this container of the pod')
    .option('-l, --latest', 'the pod that was created last');
  addLogOptions(command, { tail: '--tail <N>', names: '-n, --names' });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pod logs shop',
    '  foster pod logs -f -n shop',
    '  foster pod logs -c web --tail 10 shop',
  ]);
  command.action(async (reference: string | undefined, flags: PodLogFlags) => {
    const { chosenPods } = await import('./selection.js');
    const pods = await chosenPods(command, reference === undefined ? [] : [reference], {
      latest: flags.latest ?? false,
    });
    const { containers } = await import('../../engine/pods.js');
    const all = await containers(pods);
    const { container } = flags;
    const chosen =
      container === undefined
        ? all
        : all.filter(({ id, name }) => name === container || id.startsWith(container));
    if (container !== undefined && chosen.length === 0)
      throw new FosterError(`pod ${pods[0]} has no container ${container}`, {
        kind: 'not-found',
        exitCode: 1,
      });
    await printLogs(
      chosen.map(({ id }) => id),
      flags,
      { isMarked: true },
    );
  });
}
