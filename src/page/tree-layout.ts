import type { ContainerRow, ProcessRow, Scene } from '../view/scene.js';

/** A row of the tree of processes: a container, or a process below it. */
export interface TreeRow {
  /** The container's id or the process's key. */
  key: string;
  container?: ContainerRow;
  process?: ProcessRow;
  /** 1 for containers. */
  level: number;
  /** For each level above, from 2 on, whether a line goes on there to later rows. */
  lines: boolean[];
  isLast: boolean;
  /** Its place among its siblings, from 1, and how many there are. */
  place: number;
  siblings: number;
  hasChildren: boolean;
  isOpen: boolean;
  /** The row's key of its parent. */
  parent?: string;
}

/** Lines are not drawn deeper than this. */
const DEEPEST = 24;

/**
 * The rows of the tree, from top to bottom.
 * @param only the id of a container, for its rows only
 * @param closed keys of rows whose children are not shown
 */
export function treeRows(
  { containers, processes }: Scene,
  only: string | undefined,
  closed: ReadonlySet<string>,
): TreeRow[] {
  const shown = [...containers].filter(([id]) => only === undefined || id === only);
  const ofContainer = new Map<string, [string, ProcessRow][]>();
  for (const entry of processes) push(ofContainer, entry[1].container, entry);
  const rows: TreeRow[] = [];
  for (const [index, [id, container]] of shown.entries()) {
    const own = (ofContainer.get(id) ?? []).sort(byAge);
    const isOpen = !closed.has(id);
    rows.push({
      key: id,
      container,
      level: 1,
      lines: [],
      isLast: index === shown.length - 1,
      place: index + 1,
      siblings: shown.length,
      hasChildren: own.length > 0,
      isOpen,
    });
    if (isOpen) rows.push(...processRows(id, own, closed));
  }
  return rows;
}

/** PID 1 first, what came by `foster exec` last: a parent is always older than its children. */
function byAge([, a]: [string, ProcessRow], [, b]: [string, ProcessRow]): number {
  return Number(a.isExec ?? false) - Number(b.isExec ?? false) || a.start - b.start || a.hostPid - b.hostPid;
}

function processRows(
  id: string,
  processes: readonly [string, ProcessRow][],
  closed: ReadonlySet<string>,
): TreeRow[] {
  const pids = new Set(processes.map(([, { hostPid }]) => hostPid));
  const children = new Map<number, [string, ProcessRow][]>();
  const roots: [string, ProcessRow][] = [];
  for (const entry of processes) {
    const { parent, hostPid } = entry[1];
    if (pids.has(parent) && parent !== hostPid) push(children, parent, entry);
    else roots.push(entry);
  }
  const rows: TreeRow[] = [];
  const waiting: TreeRow[] = [];
  // a container may have a chain of thousands: no recursion
  const add = (entries: readonly [string, ProcessRow][], parent: TreeRow | undefined) => {
    const level = (parent?.level ?? 1) + 1;
    const lines = parent === undefined ? [] : [...parent.lines, !parent.isLast].slice(0, DEEPEST);
    for (const [index, [key, process]] of [...entries.entries()].reverse()) {
      waiting.push({
        ...{ key, process, level, lines, place: index + 1, siblings: entries.length },
        isLast: index === entries.length - 1,
        hasChildren: children.has(process.hostPid),
        isOpen: !closed.has(key),
        parent: parent?.key ?? id,
      });
    }
  };
  add(roots, undefined);
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row);
    const below = row.process && children.get(row.process.hostPid);
    if (below !== undefined && row.isOpen) add(below, row);
  }
  return rows;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
