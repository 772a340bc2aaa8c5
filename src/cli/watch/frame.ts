import type { Pen } from '../container/draw-process-tree.js';
import { EVENT_COLOURS, eventText } from './event-text.js';
import { fitLine, type Line, line, segment } from './line.js';
import { headingLine, leftAndRight, rowLine } from './rows.js';
import { SIGNALS, scrollToSelected, selectedRow, type View } from './view.js';

export interface Size {
  width: number;
  height: number;
}

/** Rows for events; on a small screen the tree gets them. */
function eventRows(height: number): number {
  if (height >= 20) return 6;
  return height >= 12 ? 3 : 0;
}

/** How many rows of the tree, or of a text, fit on the screen: without the title, the headings and the last line. */
export function pageHeight({ height }: Size): number {
  return Math.max(height - 3 - eventRows(height), 1);
}

/** The lines of the screen, exactly as many as it has and as wide as it is. A pure function, but that it scrolls to the selection. */
export function frame(view: View, size: Size, pen: Pen): Line[] {
  const { width, height } = size;
  const content = view.layer?.kind === 'text' ? textLines(view.layer, size) : treeLines(view, size, pen);
  const lines = [titleLine(view, width), ...content].slice(0, height - 1);
  while (lines.length < height - 1) lines.push([]);
  return [...lines, lastLine(view, width)].map((each) => fitLine(each, width));
}

function titleLine({ snapshot, rows, isPaused, filter, layer }: View, width: number): Line {
  if (layer?.kind === 'text') return [segment(layer.title, 'reverse')];
  const processes = rows.filter(({ process }) => process !== undefined);
  const zombies = processes.filter(({ process }) => process?.state === 'Z').length;
  const left = [
    'foster watch',
    plural(snapshot.containers.length, 'container'),
    plural(processes.length, 'process', 'processes'),
    ...(zombies > 0 ? [plural(zombies, 'zombie')] : []),
    ...(filter === '' ? [] : [`only '${filter}'`]),
    ...(isPaused ? ['PAUSED'] : []),
  ];
  return [segment(leftAndRight(left.join('  '), timeOf(snapshot.at), width), 'reverse')];
}

function treeLines(view: View, size: Size, pen: Pen): Line[] {
  const { width, height } = size;
  const page = pageHeight(size);
  scrollToSelected(view, page);
  const selected = selectedRow(view)?.key;
  const shown = view.rows.slice(view.top, view.top + page).map((row) => {
    const drawn = rowLine(row, { width, pen, isFiltered: view.filter !== '' });
    return row.key === selected ? drawn.map(({ text }) => segment(text, 'reverse')) : drawn;
  });
  if (shown.length === 0) shown.push(line(view.filter === '' ? 'no container runs' : 'nothing matches'));
  while (shown.length < page) shown.push([]);
  return [headingLine(width), ...shown, ...eventLines(view, eventRows(height))];
}

/** A line about the selected row, and the last events. */
function eventLines({ events, detail = '' }: View, count: number): Line[] {
  if (count === 0) return [];
  const last = events
    .slice(-(count - 1))
    .map((event) => [
      segment(`${timeOf(event.at)} `, 'dim'),
      segment(`${event.container}  `),
      segment(eventText(event), EVENT_COLOURS[event.type]),
    ]);
  while (last.length < count - 1) last.push([]);
  return [line(detail, 'dim'), ...last];
}

function lastLine(view: View, width: number): Line {
  if (view.message !== undefined) return line(view.message, 'yellow');
  switch (view.layer?.kind) {
    case 'filter':
      return line(`/${view.filter}_   Enter keeps it, Esc drops it`);
    case 'signal': {
      const { choice } = view.layer;
      const words = SIGNALS.map((name, index) =>
        segment(`${index + 1} ${name} `, index === choice ? 'reverse' : undefined),
      );
      // as much as fits, with the chosen one
      const most = Math.max(Math.floor((width - 8) / 7), 1);
      const first = Math.max(Math.min(choice - most + 1, SIGNALS.length - most), 0);
      return [segment('signal: '), ...words.slice(first, first + most)];
    }
    case 'text':
      return line('arrows scroll, q goes back', 'dim');
    default:
      return line('? help q quit s signal e shell l logs x explain i details / filter p pause', 'dim');
  }
}

function textLines({ lines, top }: { lines: Line[]; top: number }, size: Size): Line[] {
  return lines.slice(top, top + Math.max(size.height - 2, 1));
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function timeOf(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}
