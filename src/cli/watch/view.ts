import type { Snapshot, WatchEvent } from '../../engine/watch.js';
import type { Line } from './line.js';
import { type Row, rowsOf } from './rows.js';

/** What the user of `foster watch` sees, and what keys do to it. Nothing here knows the terminal. */
export interface View {
  snapshot: Snapshot;
  /** The last events, the latest last. */
  events: WatchEvent[];
  rows: Row[];
  /** The key of the selected row; undefined if there is none. */
  selected: string | undefined;
  /** How many rows are above the first that is shown. */
  top: number;
  filter: string;
  isPaused: boolean;
  /** About the selected row: its namespaces and its cgroup. */
  detail: string | undefined;
  /** A sentence in place of the keys, until the next key. */
  message: string | undefined;
  /** What is on top of the tree. */
  layer:
    | undefined
    | { kind: 'filter'; before: string }
    | { kind: 'signal'; choice: number }
    | { kind: 'text'; title: string; lines: Line[]; top: number };
}

/** What a key asks for, beyond a change of the view. */
export type Wish =
  | { kind: 'quit' | 'suspend' | 'redraw' }
  | { kind: 'help' }
  | { kind: 'shell' | 'logs' | 'explain' | 'details'; row: Row }
  | { kind: 'signal'; row: Row; signal: string };

/** Signals to choose from, the most usual first. */
export const SIGNALS = ['TERM', 'KILL', 'INT', 'HUP', 'QUIT', 'STOP', 'CONT', 'USR1', 'USR2'] as const;

/** Events that are kept. */
const MOST_EVENTS = 500;

export function emptyView(): View {
  return {
    snapshot: { at: 0, containers: [] },
    events: [],
    rows: [],
    selected: undefined,
    top: 0,
    filter: '',
    isPaused: false,
    detail: undefined,
    message: undefined,
    layer: undefined,
  };
}

/** Shows another snapshot. The selection stays on its process, or goes to the next row if that is gone. */
export function showSnapshot(view: View, snapshot: Snapshot, events: readonly WatchEvent[]): void {
  view.events.push(...events);
  view.events.splice(0, view.events.length - MOST_EVENTS);
  view.snapshot = snapshot;
  arrange(view);
}

function arrange(view: View): void {
  const before = indexOfSelected(view);
  view.rows = rowsOf(view.snapshot, view.filter);
  if (view.rows.some(({ key }) => key === view.selected)) return;
  view.selected = view.rows[Math.min(Math.max(before, 0), view.rows.length - 1)]?.key;
}

function indexOfSelected({ rows, selected }: View): number {
  return rows.findIndex(({ key }) => key === selected);
}

export function selectedRow(view: View): Row | undefined {
  return view.rows[indexOfSelected(view)];
}

/** Scrolls as little as is needed for the selected row to be among `height` rows. */
export function scrollToSelected(view: View, height: number): void {
  const at = Math.max(indexOfSelected(view), 0);
  if (at < view.top) view.top = at;
  if (at >= view.top + height) view.top = at - height + 1;
  view.top = Math.max(Math.min(view.top, view.rows.length - height), 0);
}

/**
 * Changes the view as a key asks.
 * @param page how many rows there are on the screen
 * @returns what else is to be done
 */
export function pressKey(view: View, key: string, page: number): Wish | undefined {
  view.message = undefined;
  if (key === 'interrupt') return { kind: 'quit' };
  if (key === 'suspend' || key === 'redraw') return { kind: key };
  switch (view.layer?.kind) {
    case 'filter':
      return pressInFilter(view, view.layer.before, key);
    case 'signal':
      return pressInMenu(view, view.layer, key);
    case 'text':
      return pressInText(view, view.layer, key, page);
    default:
      return pressInTree(view, key, page);
  }
}

function pressInTree(view: View, key: string, page: number): Wish | undefined {
  const steps = movement(key, page);
  if (steps !== undefined) {
    const at = Math.min(Math.max(indexOfSelected(view) + steps, 0), view.rows.length - 1);
    view.selected = view.rows[at]?.key;
    return undefined;
  }
  if (key === 'q') return { kind: 'quit' };
  if (key === '?' || key === 'h') return { kind: 'help' };
  if (key === 'p' || key === ' ') view.isPaused = !view.isPaused;
  if (key === '/') view.layer = { kind: 'filter', before: view.filter };
  if (key === 'escape') setFilter(view, '');
  const row = selectedRow(view);
  if (row === undefined) return undefined;
  if (key === 's') view.layer = { kind: 'signal', choice: 0 };
  if (key === 'e') return { kind: 'shell', row };
  if (key === 'l') return { kind: 'logs', row };
  if (key === 'x') return { kind: 'explain', row };
  if (key === 'i' || key === 'enter') return { kind: 'details', row };
  return undefined;
}

/** How far a key moves; undefined if it does not. */
function movement(key: string, page: number): number | undefined {
  if (key === 'up' || key === 'k') return -1;
  if (key === 'down' || key === 'j') return 1;
  if (key === 'pageup') return -page;
  if (key === 'pagedown') return page;
  if (key === 'home' || key === 'g') return -Infinity;
  if (key === 'end' || key === 'G') return Infinity;
  return undefined;
}

function pressInFilter(view: View, before: string, key: string): undefined {
  if (key === 'enter') view.layer = undefined;
  else if (key === 'escape') {
    view.layer = undefined;
    setFilter(view, before);
  } else if (key === 'backspace') setFilter(view, [...view.filter].slice(0, -1).join(''));
  else if ([...key].length === 1) setFilter(view, view.filter + key);
}

function setFilter(view: View, filter: string): void {
  view.filter = filter;
  arrange(view);
}

function pressInMenu(view: View, menu: { choice: number }, key: string): Wish | undefined {
  const steps = movement(key, SIGNALS.length);
  const digit = /^[1-9]$/.test(key) ? Number(key) - 1 : undefined;
  if (steps !== undefined) menu.choice = Math.min(Math.max(menu.choice + steps, 0), SIGNALS.length - 1);
  else if (key === 'escape' || key === 'q') view.layer = undefined;
  const chosen = key === 'enter' ? menu.choice : digit;
  const signal = chosen === undefined ? undefined : SIGNALS[chosen];
  const row = selectedRow(view);
  if (signal === undefined || row === undefined) return undefined;
  view.layer = undefined;
  return { kind: 'signal', row, signal };
}

function pressInText(view: View, text: { top: number; lines: Line[] }, key: string, page: number): undefined {
  const steps = movement(key === ' ' ? 'pagedown' : key, page);
  if (steps !== undefined)
    text.top = Math.min(Math.max(text.top + steps, 0), Math.max(text.lines.length - page, 0));
  else if (['escape', 'q', 'enter', 'l', 'x', 'i', '?', 'h'].includes(key)) view.layer = undefined;
}
