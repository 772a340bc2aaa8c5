import type { Command } from 'commander';
import { type Container, readHealth } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { humanSince } from '../format/duration.js';
import { drawTable, ellipsis } from '../format/table.js';
import { compileTemplate } from '../format/template.js';
import { print, warn } from '../output.js';
import { matcher } from './filter.js';

interface PsOptions {
  all?: boolean;
  quiet?: boolean;
  trunc: boolean;
  filter?: string[];
  format?: string;
  tree?: boolean;
}

/** What a template of --format sees of a container: Docker's names. */
const HEADINGS = {
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

/** The text that `foster ps` prints. @param now in milliseconds since 1970 */
export function listing(containers: Container[], options: PsOptions, now: number): string {
  const rows = containers.map((container) => row(container, options.trunc, now));
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

/** `{{.Label "KEY"}}` */
function labelOf({ record }: Container): (key: unknown) => string {
  return (key) => (Object.hasOwn(record.labels, String(key)) ? (record.labels[String(key)] ?? '') : '');
}

function row(
  { record, state }: Container,
  truncated: boolean,
  now: number,
): Record<keyof typeof HEADINGS, string> {
  const command = record.command.join(' ');
  return {
    ID: truncated ? record.id.slice(0, 12) : record.id,
    Image: record.root,
    Command: JSON.stringify(truncated ? ellipsis(command, 20) : command),
    RunningFor: `${humanSince(record.created, now)} ago`,
    Status: withHealth(statusOf(state, now), record, state),
    Ports: state.status === 'running' ? (record.ports ?? []).join(', ') : '',
    Names: record.name,
    CreatedAt: record.created,
    State: state.status,
    Labels: Object.entries(record.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: record.spec.mounts
      .filter(({ type }) => type === 'bind')
      .map(({ source }) => source)
      .join(','),
    Networks: record.spec.linux.namespaces.some(({ type }) => type === 'network') ? 'none' : 'host',
  };
}

/** Docker's wording: `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`. */
export function statusOf(state: Container['state'], now: number): string {
  switch (state.status) {
    case 'running':
      return state.startedAt === undefined ? 'Up' : `Up ${humanSince(state.startedAt, now)}`;
    case 'exited': {
      const since = state.finishedAt === undefined ? '' : ` ${humanSince(state.finishedAt, now)} ago`;
      return `Exited (${state.exitCode ?? '?'})${since}`;
    }
    case 'paused':
      return `Up ${since(state.startedAt, now)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode ?? '?'}) ${since(state.finishedAt, now)} ago`;
    case 'created':
      return 'Created';
    case 'dead':
      return 'Dead (its monitor was killed)';
  }
}

/** `Up 3 minutes (healthy)`, of a container that runs and is checked. */
function withHealth(status: string, { id, health }: Container['record'], state: Container['state']): string {
  const shown = health === undefined || state.status !== 'running' ? undefined : readHealth(id)?.status;
  if (shown === undefined) return status;
  return `${status} (${shown === 'starting' ? 'health: starting' : shown})`;
}

function since(instant: string | undefined, now: number): string {
  return instant === undefined ? 'some time' : humanSince(instant, now);
}
