import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { drawTable } from '../format/table.js';
import { print } from '../output.js';
import { orReport } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

interface MountFlags extends SelectionFlags {
  format?: string;
  trunc: boolean;
}

/** `foster mount`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Mount the files of containers, read-only, and print where. Without a container, list what is mounted. Works inside foster unshare.',
    )
    .option('--format <FORMAT>', 'json: an array of objects with the fields id, Names and mountpoint')
    .option('--no-trunc', 'do not truncate ids');
  addSelection(command, ['-a, --all', '-l, --latest']);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', "  foster unshare sh -c 'ls -l $(foster mount web)/etc'"]);
  command.action(async (references: string[], flags: MountFlags) => {
    const { format } = flags;
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'expected json');
    const engine = await import('../../engine/containers.js');
    if (references.length === 0 && !flags.all && !flags.latest) return show(await engine.mounted(), flags);
    for (const container of await chosenContainers(command, references, flags)) {
      await orReport(async () => print(`${await engine.mount(container)}\n`));
    }
  });
}

function show(places: { id: string; name: string; path: string }[], { format, trunc }: MountFlags): void {
  if (format === 'json') {
    const objects = places.map(({ id, name, path }) => ({ id, Names: [name], mountpoint: path }));
    print(`${JSON.stringify(objects, null, 1)}\n`);
  } else print(drawTable(places.map(({ id, path }) => [trunc ? id.slice(0, 12) : id, path])));
}
