import type { Command } from 'commander';
import { CONTAINER_FILTERS } from '../../engine/views/container-filter.js';
import {
  CONTAINER_ORDERS,
  type ContainerDetail,
  type ContainerField,
  type ContainerOrder,
  type ContainerRow,
  NAMESPACE_FIELDS,
} from '../../engine/views/container-row.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { drawTable, ellipsis } from '../format/table.js';
import { print, warn } from '../output.js';

interface PsFlags {
  all?: boolean;
  latest?: boolean;
  last?: number;
  quiet?: boolean;
  size?: boolean;
  trunc: boolean;
  noheading?: boolean;
  ns?: boolean;
  pod?: boolean;
  sort?: ContainerOrder;
  filter?: string[];
  format?: string;
  watch?: number;
  tree?: boolean;
}

/** The fields of a container in a template of --format: Docker's names, and Podman's if Docker has none. */
const HEADINGS: Record<ContainerField | ContainerDetail, string> = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  Ports: 'PORTS',
  Names: 'NAMES',
  Size: 'SIZE',
  CreatedAt: 'CREATED AT',
  State: 'STATE',
  Labels: 'LABELS',
  LocalVolumes: 'LOCAL VOLUMES',
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
  AutoRemove: 'AUTO REMOVE',
  Created: 'CREATED',
  CreatedHuman: 'CREATED',
  Exited: 'EXITED',
  ExitedAt: 'EXITED AT',
  ExitCode: 'EXIT CODE',
  ImageID: 'IMAGE ID',
  IsInfra: 'IS INFRA',
  Pid: 'PID',
  Pod: 'POD ID',
  PodName: 'PODNAME',
  Restarts: 'RESTARTS',
  StartedAt: 'STARTED AT',
  CGROUPNS: 'CGROUPNS',
  IPC: 'IPC',
  MNT: 'MNT',
  NET: 'NET',
  PIDNS: 'PIDNS',
  USERNS: 'USERNS',
  UTS: 'UTS',
};

const COLUMNS: ContainerField[] = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];
const NAMESPACE_COLUMNS = ['ID', 'Names', 'Pid', ...NAMESPACE_FIELDS] as const;

/** `foster ps`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List running containers.')
    .argument('[CONTAINER...]', 'with --tree: names or ids (default: all running containers)')
    .option('-a, --all', 'include stopped containers')
    .option('-l, --latest', 'only the container that was created last, even if it is stopped')
    .option('-n, --last <N>', 'only the N containers that were created last, even stopped ones', parseLast)
    .option('-q, --quiet', 'print only ids')
    .option('-s, --size', 'show the size of what they have written, and of all their files')
    .option('--no-trunc', 'do not truncate ids and commands')
    .option('--noheading', 'print no headings')
    .option('-p, --pod', 'show the pods of containers')
    .option('--ns', 'show the namespaces of containers')
    .option('--sort <FIELD>', `sort in ascending order: ${CONTAINER_ORDERS.join(', ')}`, parseOrder)
    .option(
      '-f, --filter <KEY=VALUE>',
      `list only matching containers, by ${CONTAINER_FILTERS.join(', ')}`,
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.ID}} {{.Names}}'")
    .option('-w, --watch <SECONDS>', 'list them again and again', parseInterval)
    .option('--tree', 'show the process trees of containers, like foster top --tree')
    .option('--external', 'no effect: foster sees no containers of other programs')
    .option('--sync', 'no effect: what is shown is always current');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster ps -a                                    all containers',
    '  foster ps --filter status=exited --filter label=job',
    "  foster ps --format 'table {{.Names}}\\t{{.Status}}'",
    '  foster ps -a --sort size -s                     the largest one is the last',
    '  foster ps --tree web                            processes, orphans, zombies',
    '',
    'Fields of a template: .ID .Image .Command .RunningFor .Status .Ports .Names .Size',
    '.CreatedAt .State .Labels .LocalVolumes .Mounts .Networks, and .Label "KEY"; as in',
    'Podman also .AutoRemove .Created .CreatedHuman .Exited .ExitedAt .ExitCode .ImageID',
    '.Pid .Pod .PodName .Restarts .StartedAt .CGROUPNS .IPC .MNT .NET .PIDNS .USERNS .UTS',
  ]);
  command.action(async (references: string[], flags: PsFlags) => {
    if (flags.tree) {
      const { printTrees } = await import('./draw-process-tree.js');
      return printTrees(references, flags.format);
    }
    if (references.length > 0) {
      throw new FosterError('ps accepts container names only with --tree', {
        advice: 'use --filter to select containers',
      });
    }
    if (flags.ns && (flags.format !== undefined || flags.size))
      throw new FosterError(`--ns and ${flags.size ? '--size' : '--format'} cannot be used together`, {
        kind: 'invalid',
      });
    if (flags.latest && flags.last !== undefined)
      throw new FosterError('--latest and --last cannot be used together', { kind: 'invalid' });
    if (flags.watch === undefined) return print(await listing(flags));
    const { setTimeout } = await import('node:timers/promises');
    const { printAgain } = await import('../format/screen.js');
    for (;;) {
      printAgain(await listing(flags));
      await setTimeout(flags.watch * 1000);
    }
  });
}

/** -1 means no limit, as in Docker and Podman. */
function parseLast(value: string): number {
  if (value === '-1') return -1;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw flagError('--last', value, 'expected a number of containers');
}

function parseOrder(value: string): ContainerOrder {
  const order = CONTAINER_ORDERS.find((one) => one === value.toLowerCase());
  if (order !== undefined) return order;
  throw flagError('--sort', value, `expected one of ${CONTAINER_ORDERS.join(', ')}`);
}

function parseInterval(value: string): number {
  if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
  throw flagError('--watch', value, 'expected a number of seconds');
}

/** The text that `foster ps` prints. */
async function listing(flags: PsFlags): Promise<string> {
  const { all = false, latest, last = -1, size, ns, sort, filter = [] } = flags;
  const format = (flags.format ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const plain = format.replaceAll('_', ''); // which is ignored in names: template/values.ts
  const mentions = (name: string) => new RegExp(`\\.${name}\\b`, 'i').test(plain);
  const { rows: find } = await import('../../engine/containers.js');
  const { rows, damaged } = await find({
    all,
    filters: filter,
    last: latest ? 1 : last < 0 ? undefined : last,
    sort,
    size: size || mentions('Size'),
    namespaces: ns || NAMESPACE_FIELDS.some(mentions),
    images: mentions('ImageID'),
    isWhole: showsAll(format) || ['LocalVolumes', 'Mounts', 'Networks'].some(mentions),
  });
  for (const id of all ? damaged : []) {
    warn(
      `the record of container ${id.slice(0, 12)} is damaged; 'foster rm -f ${id.slice(0, 12)}' removes it`,
    );
  }
  return await formatRows(rows, format, flags);
}

/** Whether a format may show fields that it does not name: it has more than `{{.Field}}`. */
function showsAll(format: string): boolean {
  return format === 'json' || format.replace(/\{\{\s*\.\w+\s*\}\}/g, '').includes('{{');
}

async function formatRows(rows: ContainerRow[], format: string, flags: PsFlags): Promise<string> {
  const { trunc, quiet, size, ns, pod, noheading } = flags;
  const fieldsOf = trunc ? truncated : ({ fields }: ContainerRow) => fields;
  if (quiet) return rows.map((row) => `${fieldsOf(row).ID}\n`).join('');
  // one object on each line, as in Docker
  if (format === 'json') return rows.map((row) => `${JSON.stringify(fieldsOf(row))}\n`).join('');
  const viewOf = (row: ContainerRow) => {
    const details = row.details();
    const Pod = trunc ? String(details.Pod).slice(0, 12) : details.Pod;
    return { ...details, Pod, ...fieldsOf(row), Label: labelOf(row) };
  };
  if (/^table\s*$/.test(format)) {
    const usual = ns ? NAMESPACE_COLUMNS : size ? [...COLUMNS, 'Size' as const] : COLUMNS;
    const columns = pod ? [...usual, 'Pod' as const, 'PodName' as const] : usual;
    // the usual columns are fields: no details for them, and no template
    const cellsOf = (row: Readonly<Record<string, unknown>>) => {
      const cells = columns.map((column) => String(row[column]));
      return cells.slice(0, cells.findLastIndex((cell) => cell !== '') + 1);
    };
    const cells = rows.map((row) => cellsOf(ns || pod ? viewOf(row) : fieldsOf(row)));
    return drawTable(noheading ? cells : [cellsOf(HEADINGS), ...cells]);
  }
  const { compileTemplate } = await import('../format/template/template.js');
  const linesOf = (template: string, views: unknown[]) => views.map(compileTemplate(template));
  const views = rows.map(viewOf);
  if (!/^table\s/.test(format))
    return linesOf(format, views)
      .map((line) => `${line}\n`)
      .join('');
  const headings = noheading ? [] : [{ ...HEADINGS, Label: String }];
  const lines = linesOf(format.replace(/^table\s+/, ''), [...headings, ...views]);
  return drawTable(lines.map((line) => line.trimEnd().split('\t')));
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
