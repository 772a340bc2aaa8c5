import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { Sample } from '../../container/processes/stats.js';
import type { Container } from '../../container/store.js';
import { printable } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { binarySize, decimalSize } from '../format/size.js';
import { drawTable } from '../format/table.js';
import { compileTemplate } from '../format/template.js';
import { print, printRaw, settings } from '../output.js';
import { orReport } from './each.js';

interface Options {
  all?: boolean;
  stream: boolean;
  trunc: boolean;
  format?: string;
}

/** What a template of --format sees of a container: Docker's names. */
const HEADINGS = {
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

/** Milliseconds between two looks. */
const INTERVAL = 1000;
/** The CPU share of the first line is that of this time. */
const FIRST_INTERVAL = 250;

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
  const { sampleContainers } = await import('../../container/processes/stats.js');
  const draw = painter(options);
  const isScreen = options.stream && isatty(1);
  let before = sampleContainers(await chosen(references, options));
  if (settings.exitCode !== 0) return;
  for (let wait = FIRST_INTERVAL; ; wait = INTERVAL) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const containers = await chosen(references, options);
    const now = sampleContainers(containers);
    const text = await draw(containers, before, now);
    // home, the text with what stood in its lines before cleared, and the rest of the screen cleared
    if (isScreen) printRaw(`\x1b[H${printable(text).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
    else print(text);
    if (!options.stream || settings.exitCode !== 0) return;
    before = now;
  }
}

async function chosen(references: string[], { all }: Options): Promise<Container[]> {
  const { findContainer, listContainers } = await import('../../container/store.js');
  if (references.length === 0) {
    return listContainers()
      .filter(({ state }) => all || state.status === 'running' || state.status === 'paused')
      .sort((a, b) => Date.parse(b.record.created) - Date.parse(a.record.created));
  }
  const found: Container[] = [];
  for (const reference of references) {
    await orReport(() => {
      found.push(findContainer(reference));
    });
  }
  return found;
}

type Samples = Map<string, Sample>;

function painter(
  options: Options,
): (containers: Container[], before: Samples, now: Samples) => Promise<string> {
  const format = (options.format ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const isTable = /^table(\s|$)/.test(format);
  const template = format.replace(/^table\s*/, '') || DEFAULT_TABLE;
  const render = format === 'json' ? JSON.stringify : compileTemplate(isTable ? template : format);
  return async (containers, before, now) => {
    const { cpuPercent } = await import('../../container/processes/stats.js');
    const rows = containers.map(({ record: { id, name } }) => {
      const sample = now.get(id);
      const share = sample === undefined ? undefined : cpuPercent(before.get(id), sample);
      return row(options.trunc ? id.slice(0, 12) : id, name, sample, share);
    });
    if (!isTable) return rows.map((one) => `${render(one)}\n`).join('');
    return drawTable([HEADINGS, ...rows].map((one) => render(one).split('\t')));
  };
}

/** One that does not run has none of it, as in Docker. */
function row(
  id: string,
  name: string,
  sample: Sample | undefined,
  cpu: number | undefined,
): Record<keyof typeof HEADINGS, string> {
  const { memory = 0, memoryLimit = 0, network, block, tasks = 0 } = sample ?? {};
  const isHidden = sample !== undefined && block === undefined;
  return {
    Container: id,
    ID: id,
    Name: name,
    CPUPerc: percent(cpu ?? 0),
    MemUsage: `${binarySize(memory)} / ${binarySize(memoryLimit)}`,
    MemPerc: percent(memoryLimit === 0 ? 0 : (memory / memoryLimit) * 100),
    NetIO: `${decimalSize(network?.received ?? 0)} / ${decimalSize(network?.sent ?? 0)}`,
    BlockIO: isHidden ? '-- / --' : `${decimalSize(block?.read ?? 0)} / ${decimalSize(block?.written ?? 0)}`,
    PIDs: String(tasks),
  };
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}
