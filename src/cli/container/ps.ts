import type { Command } from 'commander';
import type { Container } from '../../container/store.js';
import { matcher } from '../../engine/views/container-filter.js';
import { type ContainerField, containerRow, labelOf } from '../../engine/views/container-row.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { drawTable, ellipsis } from '../format/table.js';
import { compileTemplate } from '../format/template.js';
import { print, warn } from '../output.js';

interface PsOptions {
  all?: boolean;
  quiet?: boolean;
  trunc: boolean;
  filter?: string[];
  format?: string;
  tree?: boolean;
}

/** What a template of --format sees of a container: Docker's names. */
const HEADINGS: Record<ContainerField, string> = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  Ports: 'PORTS',
  Names: 'NAMES',
  CreatedAt: 'CREATED AT',
  State: 'STATE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
};

const DEFAULT_TABLE =
  'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';

/** `foster ps`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List running containers.')
    .argument('[CONTAINER...]', 'with --tree: names or ids (default: all running containers)')
    .option('-a, --all', 'include stopped containers')
    .option('-q, --quiet', 'print only ids')
    .option('--no-trunc', 'do not truncate ids and commands')
    .option(
      '-f, --filter <KEY=VALUE>',
      'list only matching containers: name, id, status, label, exited',
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.ID}} {{.Names}}'")
    .option('--tree', 'show the process trees of containers, like foster top --tree');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster ps -a                                    all containers',
    '  foster ps --filter status=exited --filter label=job',
    "  foster ps --format 'table {{.Names}}\\t{{.Status}}'",
    '  foster rm $(foster ps -aq --filter exited=0)    remove those that succeeded',
    '  foster ps --tree web                            processes, orphans, zombies',
    '',
    'Fields of a template: .ID .Image .Command .RunningFor .Status .Ports .Names',
    '.CreatedAt .State .Labels .Mounts .Networks, and .Label "KEY"',
  ]);
  command.action(async (references: string[], options: PsOptions) => {
    if (options.tree) {
      const { printTrees } = await import('./draw-process-tree.js');
      return printTrees(references, options.format);
    }
    if (references.length > 0) {
      throw new FosterError('ps accepts container names only with --tree', {
        advice: 'use --filter to select containers',
      });
    }
    const matches = matcher(options.filter ?? []);
    const { damagedIds, listContainers } = await import('../../container/store.js');
    const all = listContainers();
    for (const id of options.all ? damagedIds(all) : []) {
      warn(
        `the record of container ${id.slice(0, 12)} is damaged; 'foster rm -f ${id.slice(0, 12)}' removes it`,
      );
    }
    const containers = all
      .filter((container) => matches(container, options.all ?? false))
      .toSorted((a, b) => Date.parse(b.record.created) - Date.parse(a.record.created));
    print(listing(containers, options, Date.now()));
  });
}

function shortened({ record: { id, command } }: Container): { ID: string; Command: string } {
  return { ID: id.slice(0, 12), Command: JSON.stringify(ellipsis(command.join(' '), 20)) };
}

/** The text that `foster ps` prints. @param now in milliseconds since 1970 */
export function listing(containers: Container[], options: PsOptions, now: number): string {
  const rows = containers.map((container) => {
    const row = containerRow(container, now);
    return options.trunc ? { ...row, ...shortened(container) } : row;
  });
  if (options.quiet) return rows.map(({ ID }) => `${ID}\n`).join('');
  const format = (options.format ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  // one object a line, as Docker prints it
  if (format === 'json') return rows.map((one) => `${JSON.stringify(one)}\n`).join('');
  const views = containers.map((container, index) => ({ ...rows[index], Label: labelOf(container) }));
  if (!/^table(\s|$)/.test(format)) return views.map(lineOf(format)).join('');
  const template = /^table\s*$/.test(format) ? DEFAULT_TABLE : format;
  const lines = [{ ...HEADINGS, Label: String }, ...views].map(lineOf(template.replace(/^table\s+/, '')));
  return drawTable(lines.map((line) => line.trimEnd().split('\t')));
}

function lineOf(template: string): (view: unknown) => string {
  const render = compileTemplate(template);
  return (view) => `${render(view)}\n`;
}
