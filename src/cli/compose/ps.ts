import type { Command } from 'commander';
import type { PsRow } from '../../engine/compose/views.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { drawTable, ellipsis } from '../format/table.js';
import { compileTemplate } from '../format/template/template.js';
import { print } from '../output.js';
import { existingOf } from './options.js';

interface PsFlags {
  all?: boolean;
  quiet?: boolean;
  services?: boolean;
  status?: string[];
  filter?: string[];
  format: string;
  trunc: boolean;
  orphans: boolean;
}

const HEADINGS = ['NAME', 'IMAGE', 'COMMAND', 'SERVICE', 'CREATED', 'STATUS', 'PORTS'];
const STATES = ['paused', 'restarting', 'running', 'dead', 'created', 'exited', 'stopping'];

/** `foster compose ps`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the running containers of a project.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-a, --all', 'include stopped containers')
    .option('-q, --quiet', 'print only ids')
    .option('--services', 'print only the names of services')
    .option('--status <STATUS>', STATES.join(', '), collect)
    .option('--filter <status=STATUS>', 'same as --status', collect)
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}} {{.State}}'", 'table')
    .option('--no-trunc', 'do not truncate commands')
    .option('--no-orphans', 'leave out containers of services that the files no longer have');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose ps -a',
    '  foster compose ps --format json web',
    '  foster compose ps --status exited -q',
    '',
    'Fields of a template: .ID .Name .Image .Command .Project .Service .CreatedAt .RunningFor',
    '.State .Status .Health .ExitCode .Ports .Publishers .Labels .Networks .Mounts',
  ]);
  command.action(async (services: string[], flags: PsFlags) => {
    const statuses = statusesOf(flags);
    const existing = await existingOf(command);
    const { chosenContainers } = await import('../../engine/compose/end.js');
    const { psRow } = await import('../../engine/compose/views.js');
    const isKnown = (service: string) => flags.orphans || existing.project?.services[service] !== undefined;
    const rows = chosenContainers(existing, services)
      .filter(({ service }) => isKnown(service))
      .map(psRow)
      .filter(({ State }) =>
        statuses.length > 0
          ? statuses.includes(State)
          : flags.all || !['created', 'exited', 'dead'].includes(State),
      );
    print(textOf(rows, flags));
  });
}

function statusesOf({ status = [], filter = [] }: PsFlags): string[] {
  const filtered = filter.map((text) => {
    const [, wanted] = /^status=(.*)$/.exec(text) ?? [];
    if (wanted === undefined) throw flagError('--filter', text, 'expected status=STATUS');
    return wanted;
  });
  const all = [...status, ...filtered];
  const unknown = all.find((one) => !STATES.includes(one));
  if (unknown !== undefined) throw flagError('--status', unknown, `expected one of ${STATES.join(', ')}`);
  return all;
}

function textOf(rows: PsRow[], { quiet, services, format, trunc }: PsFlags): string {
  if (quiet) return rows.map(({ ID }) => `${ID}\n`).join('');
  if (services) return [...new Set(rows.map(({ Service }) => `${Service}\n`))].join('');
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (format !== 'table') {
    const render = compileTemplate(format.replace(/^table\s+/, '').replaceAll('\\t', '\t'));
    return rows.map((row) => `${render(row)}\n`).join('');
  }
  const lines = rows.map((row) => [
    row.Name,
    row.Image,
    trunc ? shortened(row.Command) : row.Command,
    row.Service,
    row.RunningFor,
    row.Status,
    row.Ports,
  ]);
  return drawTable([HEADINGS, ...lines]);
}

/** A command in quotes, as `docker compose ps` shortens it. */
function shortened(command: string): string {
  return `"${ellipsis(command.slice(1, -1), 20)}"`;
}
