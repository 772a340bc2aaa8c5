import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { ContainerStats } from '../../engine/types.js';
import { type StatsField, statsRow } from '../../engine/views/stats-row.js';
import { printable } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { drawTable } from '../format/table.js';
import { compileTemplate } from '../format/template/template.js';
import { print, printRaw } from '../output.js';

interface Options {
  all?: boolean;
  stream: boolean;
  trunc: boolean;
  format?: string;
}

/** What a template of --format sees of a container: Docker's names. */
const HEADINGS: Record<StatsField, string> = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
};

const DEFAULT_TABLE =
  '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}';

/** `foster stats`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show the CPU, memory, network and disk usage of containers, every second.')
    .argument('[CONTAINER...]', 'names or ids (default: all running containers)')
    .option('-a, --all', 'include stopped containers')
    .option('--no-stream', 'print once and exit')
    .option('--no-trunc', 'do not truncate ids')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}} {{.CPUPerc}}'");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    '100 % CPU is one whole CPU. Memory is the proportional set size (PSS): pages that',
    'several processes share are divided among them.',
    '',
    'Examples:',
    '  foster stats',
    '  foster stats --no-stream web db',
    "  foster stats --no-stream --format '{{.Name}} {{.MemUsage}}'",
    '',
    'Fields of a template: .Container .ID .Name .CPUPerc .MemUsage .MemPerc .NetIO',
    '.BlockIO .PIDs',
  ]);
  command.action(async (references: string[], options: Options) => {
    await watch(references, options);
  });
}

async function watch(references: string[], options: Options): Promise<void> {
  const { stats } = await import('../../engine/processes.js');
  const draw = painter(options);
  const isScreen = options.stream && isatty(1) && process.env.TERM !== 'dumb';
  const containers = references.length === 0 ? undefined : references;
  for await (const current of stats({ containers, all: options.all ?? false })) {
    const text = draw(current);
    // home, the text with what stood in its lines before cleared, and the rest of the screen cleared
    if (isScreen) printRaw(`\x1b[H${printable(text).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
    else print(text);
    if (!options.stream) return;
  }
}

function painter(options: Options): (containers: ContainerStats[]) => string {
  const format = (options.format ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const isTable = /^table(\s|$)/.test(format);
  const template = format.replace(/^table\s*/, '') || DEFAULT_TABLE;
  const render = format === 'json' ? JSON.stringify : compileTemplate(isTable ? template : format);
  return (containers) => {
    const rows = containers.map((container) => row(container, options));
    if (!isTable) return rows.map((one) => `${render(one)}\n`).join('');
    return drawTable([HEADINGS, ...rows].map((one) => render(one).split('\t')));
  };
}

function row(container: ContainerStats, { trunc }: Options): Record<StatsField, string> {
  const full = statsRow(container);
  if (!trunc) return full;
  const short = container.id.slice(0, 12);
  return { ...full, Container: short, ID: short };
}
