import type { Command } from 'commander';
import type { ContainerStats } from '../../engine/types.js';
import { type StatsField, statsRow } from '../../engine/views/stats-row.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { printAgain } from '../format/screen.js';
import { drawTable } from '../format/table.js';
import { compileTemplate } from '../format/template/template.js';
import { addLatest, chosenContainers } from './selection.js';

/** How they are shown: options, as commander returns them. */
export interface StatsFlags {
  stream: boolean;
  trunc: boolean;
  format?: string;
  /** Seconds. */
  interval?: number;
  reset: boolean;
}

interface Options extends StatsFlags {
  all?: boolean;
  latest?: boolean;
}

/** The fields of a container in a template of --format, with Docker's names. */
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
    .option('-a, --all', 'include stopped containers');
  addStatsOptions(command);
  addLatest(command);
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
    const isChosen = references.length > 0 || options.latest;
    await watchStats(
      isChosen ? await chosenContainers(command, references, { latest: options.latest ?? false }) : undefined,
      options,
    );
  });
}

/** Gives a command the options of stats. */
export function addStatsOptions(command: Command): Command {
  return command
    .option('-i, --interval <SECONDS>', 'seconds between two measurements (default: 1)', parseInterval)
    .option('--no-reset', 'print them one after the other, without clearing the screen')
    .option('--no-stream', 'print once and exit')
    .option('--no-trunc', 'do not truncate ids')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}} {{.CPUPerc}}'");
}

function parseInterval(value: string): number {
  if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
  throw flagError('--interval', value, 'expected a number of seconds');
}

/** Shows what containers use, again and again. @param containers undefined for all */
export async function watchStats(
  containers: string[] | undefined,
  options: StatsFlags & { all?: boolean },
): Promise<void> {
  const { stats } = await import('../../engine/processes.js');
  const draw = painter(options);
  const { all = false, interval = 1 } = options;
  for await (const current of stats({ containers, all, interval: interval * 1000 })) {
    printAgain(draw(current), options.stream && options.reset);
    if (!options.stream) return;
  }
}

function painter(options: StatsFlags): (containers: ContainerStats[]) => string {
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

function row(container: ContainerStats, { trunc }: StatsFlags): Record<StatsField, string> {
  const full = statsRow(container);
  if (!trunc) return full;
  const short = container.id.slice(0, 12);
  return { ...full, Container: short, ID: short };
}
