import { binarySize } from '../../engine/views/size.js';
import type { Snapshot, WatchedContainer, WatchedProcess } from '../../engine/watch.js';
import { visible } from '../../spec/parse/flag.js';
import { branchOf, type Pen } from '../container/draw-process-tree.js';
import type { Colour } from '../format/colour.js';
import { displayWidth } from '../format/table.js';
import { named } from './event-text.js';
import { cut, fit, fitRight, type Line, segment } from './line.js';

/** A row of the tree: a container, or one of its processes. */
export interface Row {
  /** Identifies it in the next snapshot, too. */
  key: string;
  container: WatchedContainer;
  process?: WatchedProcess;
}

/** The rows of a snapshot, from the top. @param filter part of a command, a name or a pid; '' for all */
export function rowsOf({ containers }: Snapshot, filter: string): Row[] {
  const wanted = filter.toLowerCase();
  return containers.flatMap((container) => {
    const processes = container.processes.filter((process) => matches(process, wanted));
    if (wanted !== '' && processes.length === 0 && !container.name.toLowerCase().includes(wanted)) return [];
    return [
      { key: container.id, container },
      ...processes.map((process) => ({
        key: `${container.id} ${process.hostPid} ${process.start}`,
        container,
        process,
      })),
    ];
  });
}

function matches({ command, name, pid, hostPid }: WatchedProcess, wanted: string): boolean {
  if (wanted === '') return true;
  return [command, name, String(pid), String(hostPid)].some((text) => text.toLowerCase().includes(wanted));
}

/** How rows are drawn. */
export interface RowStyle {
  /** Columns; Infinity for whole lines. */
  width: number;
  pen: Pen;
  /** Whether processes are left out, so that the branches of the tree would lead nowhere. */
  isFiltered: boolean;
}

interface Column {
  heading: string;
  width: number;
  value(process: WatchedProcess): string;
  colour?(process: WatchedProcess): Colour | undefined;
}

const COLUMNS: Readonly<Record<'pid' | 'hostPid' | 'state' | 'cpu' | 'memory', Column>> = {
  pid: { heading: 'PID', width: 6, value: ({ pid }) => String(pid ?? '-') },
  hostPid: { heading: 'HOST PID', width: 9, value: ({ hostPid }) => String(hostPid) },
  state: { heading: 'S', width: 2, value: ({ state }) => state, colour: ({ state }) => STATE_COLOURS[state] },
  cpu: { heading: 'CPU%', width: 6, value: ({ cpu }) => cpu.toFixed(1) },
  memory: { heading: 'MEM', width: 10, value: ({ memory }) => binarySize(memory) },
};

const STATE_COLOURS: Readonly<Record<string, Colour>> = {
  R: 'green',
  D: 'yellow',
  T: 'cyan',
  t: 'cyan',
  Z: 'red',
};

/** On a narrow terminal, what is asked for least is left out first. */
function columnsFor(width: number): Column[] {
  const { pid, hostPid, state, cpu, memory } = COLUMNS;
  if (width >= 60) return [pid, hostPid, state, cpu, memory];
  if (width >= 40) return [pid, state, cpu];
  return [pid, state];
}

/** The headings. */
export function headingLine(width: number): Line {
  const cells = columnsFor(width).map((column) => fitRight(column.heading, column.width));
  return [segment(`${cells.join('')}  COMMAND`, 'dim')];
}

/** A row as a line, which may be longer than the terminal is wide. */
export function rowLine({ container, process }: Row, style: RowStyle): Line {
  return process === undefined ? [segment(containerText(container), 'bold')] : processLine(process, style);
}

function containerText({
  name,
  image,
  status,
  hostPid,
  cpu,
  memory,
  counts,
  processes,
}: WatchedContainer): string {
  const zombies = processes.filter(({ state }) => state === 'Z').length;
  return [
    `${name}  ${image}  ${status}`,
    ...(hostPid === 0 ? [] : [`PID 1 is ${hostPid} outside`, `CPU ${cpu.toFixed(1)}%`, binarySize(memory)]),
    `${processes.length} ${processes.length === 1 ? 'process' : 'processes'}`,
    ...(zombies === 0 ? [] : [`${zombies} ${zombies === 1 ? 'zombie' : 'zombies'}`]),
    ...(counts === undefined ? [] : [`adopted ${counts.adopted}, reaped ${counts.reaped}`]),
  ].join('  ');
}

function processLine(process: WatchedProcess, { width, pen, isFiltered }: RowStyle): Line {
  const columns = columnsFor(width);
  const cells = columns.map((column) =>
    segment(fitRight(column.value(process), column.width), column.colour?.(process)),
  );
  const lead = isFiltered ? '' : branchOf(process.lasts, pen);
  const taken = columns.reduce((sum, column) => sum + column.width, 2) + displayWidth(lead);
  const note = noteOn(process);
  const command = visible(process.command);
  // what has become of it matters more than the end of a long command line
  const room = Math.max(width - taken - (note === undefined ? 0 : displayWidth(note) + 2), 12);
  return [
    ...cells,
    { text: '  ' },
    { text: lead, colour: 'dim' },
    {
      text: note === undefined ? command : cut(command, room),
      ...(process.state === 'Z' && { colour: 'red' as const }),
    },
    ...(note === undefined
      ? []
      : [{ text: `  ${note}`, colour: process.state === 'Z' ? ('red' as const) : ('yellow' as const) }]),
  ];
}

/** What is special about a process. */
function noteOn({ state, joined, adopted }: WatchedProcess): string | undefined {
  const notes: string[] = [];
  if (state === 'Z') notes.push('zombie');
  if (state === 'T') notes.push('stopped');
  if (joined) notes.push('by foster exec');
  if (adopted !== undefined) {
    const { from, session, group } = adopted;
    const past = session !== undefined ? `session ${session}` : group !== undefined ? `group ${group}` : '';
    const whence = from ? `, left by ${named(from)}` : past && `, of ${past}`;
    notes.push(`adopted${whence}`);
  }
  return notes.length === 0 ? undefined : `(${notes.join('; ')})`;
}

/** Text at the left and at the right end of a line. */
export function leftAndRight(left: string, right: string, width: number): string {
  const gap = width - displayWidth(left) - displayWidth(right);
  return gap >= 1 ? `${left}${' '.repeat(gap)}${right}` : fit(left, width);
}
