import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { formatList } from '../format/list.js';
import { print } from '../output.js';

const HEADINGS = { Name: 'NAME', Status: 'STATUS', ConfigFiles: 'CONFIG FILES' } as const;

type Field = keyof typeof HEADINGS;

/** `foster compose ls`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the projects that have running containers.')
    .option('-a, --all', 'include projects whose containers are all stopped')
    .option('-q, --quiet', 'print only names')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}}'");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose ls', '  foster compose ls -aq']);
  command.action(
    async ({ all = false, quiet, format }: { all?: boolean; quiet?: boolean; format?: string }) => {
      const { projectRows } = await import('../../engine/compose/views.js');
      const rows = projectRows(all);
      if (quiet) return print(rows.map(({ Name }) => `${Name}\n`).join(''));
      if (format === 'json') return print(`${JSON.stringify(rows)}\n`);
      print(
        formatList<Field>(rows, { headings: HEADINGS, columns: Object.keys(HEADINGS) as Field[] }, format),
      );
    },
  );
}
