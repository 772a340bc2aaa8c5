import type { Command } from 'commander';
import type { VolumeField } from '../../engine/views/volume.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { print } from '../output.js';

interface ListFlags {
  quiet?: boolean;
  filter?: string[];
  format?: string;
  noheading?: boolean;
}

/** Docker's names. */
const FORMAT: ListFormat<VolumeField> = {
  headings: {
    Driver: 'DRIVER',
    Name: 'VOLUME NAME',
    Scope: 'SCOPE',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Status: 'STATUS',
    Availability: 'AVAILABILITY',
    Group: 'GROUP',
    CreatedAt: 'CREATED AT',
  },
  columns: ['Driver', 'Name'],
};

/** `foster volume ls`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List volumes.')
    .option('-q, --quiet', 'print only names')
    .option(
      '-f, --filter <KEY=VALUE>',
      'list only matching volumes: name, label, label!, dangling, driver, opt, scope, until',
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}} {{.Mountpoint}}'")
    .option('-n, --noheading', 'leave out the headings');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster volume ls',
    '  foster volume ls -q --filter dangling=true     those that no container uses',
    "  foster volume ls --format '{{.Name}} {{.Links}} {{.Labels}}'",
    '',
    'Fields of a template: .Name .Driver .Scope .Mountpoint .Labels .Links .CreatedAt',
    '.Label "KEY"; as in Podman also .Anonymous .Options .MountCount',
  ]);
  command.action(async (flags: ListFlags) => {
    const { rows } = await import('../../engine/volumes.js');
    const found = await rows(flags.filter);
    print(
      flags.quiet
        ? found.map(({ Name }) => `${Name}\n`).join('')
        : formatList(found, { ...FORMAT, isHeadless: flags.noheading }, flags.format),
    );
  });
}
