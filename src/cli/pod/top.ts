import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { orReport } from '../container/each.js';
import { drawTable } from '../format/table.js';
import { print } from '../output.js';
import { chosenPods } from './selection.js';

/** `foster pod top`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the processes of a pod, with their PIDs in the pod, and the container of each.')
    .usage('[options] POD [COLUMNS]')
    .argument('[POD]', 'its name or id; the start of the id is enough')
    .argument('[COLUMNS...]', 'names of columns, as for foster top')
    .option('-l, --latest', 'the pod that was created last');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'With --share pid, all containers see the same PIDs, and orphans of all of them are',
    'children of PID 1, which is the foster-init of the pod.',
    '',
    'Examples:',
    '  foster pod top shop',
    '  foster pod top shop user,pid,args',
  ]);
  command.action(async (first: string | undefined, rest: string[], { latest }: { latest?: boolean }) => {
    const words = latest && first !== undefined ? [first, ...rest] : rest;
    const wrong = words.find((word) => word.startsWith('-'));
    if (wrong !== undefined)
      throw new FosterError(`pod top has no options of ps, such as ${wrong}`, {
        kind: 'invalid',
        advice: 'give names of columns: foster pod top POD user,pid,args',
      });
    const named = latest || first === undefined ? [] : [first];
    const [pod = ''] = await chosenPods(command, named, { latest: latest ?? false });
    const { processes } = await import('../../engine/pods.js');
    await orReport(async () => {
      const list = await processes(
        pod,
        words.flatMap((word) => word.split(',')),
      );
      print(drawTable([list.titles, ...list.processes]));
    });
  });
}
