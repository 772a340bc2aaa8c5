import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { drawTable } from '../format/table.js';
import { print } from '../output.js';
import { existingOf } from './options.js';

/** `foster compose top`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the processes of the containers of a project, with their PIDs on the host.')
    .argument('[SERVICE...]', 'only the containers of these services');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose top', '  foster compose top web']);
  command.action(async (services: string[]) => {
    const existing = await existingOf(command);
    const { chosenContainers, runningOf } = await import('../../engine/compose/end.js');
    const { list } = await import('../../engine/processes.js');
    const running = runningOf(chosenContainers(existing, services));
    const tables = await Promise.all(
      running.map(async ({ id, service, number }) => ({
        ...(await list(id)),
        head: [service, String(number)],
      })),
    );
    const [first] = tables;
    if (first === undefined) return;
    const rows = tables.flatMap(({ head, processes }) => processes.map((cells) => [...head, ...cells]));
    print(drawTable([['SERVICE', '#', ...first.titles], ...rows]));
  });
}
