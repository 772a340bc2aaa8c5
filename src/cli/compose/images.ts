import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { formatList } from '../format/list.js';
import { print } from '../output.js';
import { existingOf } from './options.js';

const HEADINGS = {
  ContainerName: 'CONTAINER',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Platform: 'PLATFORM',
  ID: 'IMAGE ID',
  Size: 'SIZE',
  Created: 'CREATED',
} as const;

type Field = keyof typeof HEADINGS;

/** `foster compose images`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the images of the containers of a project.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-q, --quiet', 'print only ids')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Repository}}:{{.Tag}}'");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose images',
    '  foster compose images --format json web',
  ]);
  command.action(async (services: string[], flags: { quiet?: boolean; format?: string }) => {
    const existing = await existingOf(command);
    const { chosenContainers } = await import('../../engine/compose/end.js');
    const { imageRow } = await import('../../engine/compose/views.js');
    const rows = chosenContainers(existing, services).map(imageRow);
    if (flags.quiet)
      return print([...new Set(rows.map(({ ID }) => `${ID.replace('sha256:', '')}\n`))].join(''));
    const shown =
      flags.format === undefined
        ? rows.map((row) => ({ ...row, ID: row.ID.replace('sha256:', '').slice(0, 12) }))
        : rows;
    print(
      formatList<Field>(
        shown,
        { headings: HEADINGS, columns: Object.keys(HEADINGS) as Field[] },
        flags.format,
      ),
    );
  });
}
