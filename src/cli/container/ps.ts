import type { Command } from 'commander';
import { CONTAINER_FILTERS } from '../../engine/views/container-filter.js';
import type { ContainerField, ContainerRow } from '../../engine/views/container-row.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { drawTable, ellipsis } from '../format/table.js';
import { compileTemplate } from '../format/template/template.js';
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
      `list only matching containers, by ${CONTAINER_FILTERS.join(', ')}`,
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
    const engine = await import('../../engine/containers.js');
    const { rows, damaged } = await engine.rows({
      all: options.all ?? false,
      filters: options.filter ?? [],
    });
    for (const id of options.all ? damaged : []) {
      warn(
        `the record of container ${id.slice(0, 12)} is damaged; 'foster rm -f ${id.slice(0, 12)}' removes it`,
      );
    }
    print(listing(rows, options));
  });
}

function truncated({ fields, command }: ContainerRow): ContainerRow['fields'] {
  return {
    ...fields,
    ID: fields.ID.slice(0, 12),
    Command: JSON.stringify(ellipsis(command.join(' '), 20)),
  };
}

/** `{{.Label "KEY"}}` */
function labelOf({ labels }: ContainerRow): (key: unknown) => string {
  return (key) => (Object.hasOwn(labels, String(key)) ? (labels[String(key)] ?? '') : '');
}

/** The text that `foster ps` prints. */
function listing(rows: ContainerRow[], options: PsOptions): string {
  const fields = rows.map((row) => (options.trunc ? truncated(row) : row.fields));
  if (options.quiet) return fields.map(({ ID }) => `${ID}\n`).join('');
  const format = (options.format ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  // one object a line, as Docker prints it
  if (format === 'json') return fields.map((one) => `${JSON.stringify(one)}\n`).join('');
  const views = rows.map((row, index) => ({ ...fields[index], Label: labelOf(row) }));
  if (!/^table(\s|$)/.test(format)) return views.map(lineOf(format)).join('');
  const template = /^table\s*$/.test(format) ? DEFAULT_TABLE : format;
  const lines = [{ ...HEADINGS, Label: String }, ...views].map(lineOf(template.replace(/^table\s+/, '')));
  return drawTable(lines.map((line) => line.trimEnd().split('\t')));
}

function lineOf(template: string): (view: unknown) => string {
  const render = compileTemplate(template);
  return (view) => `${render(view)}\n`;
}
