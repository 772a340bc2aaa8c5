import { emptyScene, type Scene, type SceneEvent } from './scene.js';

/** What changes in a table: whole rows that are new, fields that have changed, and the keys of rows that are gone. */
export interface TablePatch {
  /** A field that is null is gone. */
  set?: [key: string, fields: Fields][];
  gone?: string[];
}

/** One moment and the next. JSON, also of what a container has chosen. */
export interface Patch {
  /** Milliseconds since 1970. */
  at: number;
  tables: Partial<Record<keyof Scene, TablePatch>>;
  events: SceneEvent[];
}

type Fields = Record<string, unknown>;
type Table = Map<string, Fields>;

const NAMES = Object.keys(emptyScene()) as (keyof Scene)[];

/** What has changed between two scenes; neither is changed. */
export function difference(before: Scene, after: Scene): Patch['tables'] {
  const tables: Patch['tables'] = {};
  for (const name of NAMES) {
    const patch = tableDifference(before[name] as Table, after[name] as Table);
    if (patch !== undefined) tables[name] = patch;
  }
  return tables;
}

function tableDifference(before: Table, after: Table): TablePatch | undefined {
  const set: [string, Fields][] = [];
  for (const [key, row] of after) {
    const old = before.get(key);
    const fields = old === undefined ? row : rowDifference(old, row);
    if (fields !== undefined) set.push([key, fields]);
  }
  const gone = [...before.keys()].filter((key) => !after.has(key));
  if (set.length === 0 && gone.length === 0) return undefined;
  return { ...(set.length > 0 && { set }), ...(gone.length > 0 && { gone }) };
}

function rowDifference(before: Fields, after: Fields): Fields | undefined {
  if (before === after) return undefined;
  let changed: Fields | undefined;
  const note = (field: string, value: unknown) => {
    changed ??= {};
    changed[field] = value;
  };
  for (const field in after) if (!isSame(before[field], after[field])) note(field, after[field]);
  for (const field in before) if (!(field in after)) note(field, null);
  return changed;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Changes a scene. @returns what undoes it */
export function apply(scene: Scene, tables: Patch['tables']): Patch['tables'] {
  const undo: Patch['tables'] = {};
  for (const name of NAMES) {
    const patch = tables[name];
    if (patch !== undefined) undo[name] = applyToTable(scene[name] as Table, patch);
  }
  return undo;
}

function applyToTable(table: Table, { set = [], gone = [] }: TablePatch): TablePatch {
  const undo: Required<TablePatch> = { set: [], gone: [] };
  for (const key of gone) {
    const row = table.get(key);
    if (row !== undefined) undo.set.push([key, row]);
    table.delete(key);
  }
  for (const [key, fields] of set) {
    const old = table.get(key);
    if (old === undefined) undo.gone.push(key);
    else
      undo.set.push([key, Object.fromEntries(Object.keys(fields).map((name) => [name, old[name] ?? null]))]);
    // a new object: who has drawn the old one sees that it is another
    table.set(key, merged(old, fields));
  }
  return undo;
}

function merged(old: Fields | undefined, fields: Fields): Fields {
  const row = { ...old, ...fields };
  for (const name in fields) if (fields[name] === null) delete row[name];
  return row;
}
