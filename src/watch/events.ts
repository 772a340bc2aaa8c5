import type { ProcessName, Snapshot, WatchEvent, WatchedContainer, WatchedProcess } from './model.js';

/** What has happened between two snapshots, in the order in which it is told. A pure function. */
export function eventsBetween(before: Snapshot, after: Snapshot): WatchEvent[] {
  const old = new Map(before.containers.map((container) => [keyOf(container), container]));
  const events: WatchEvent[] = [];
  for (const container of after.containers) {
    const known = old.get(keyOf(container));
    old.delete(keyOf(container));
    const about = { at: after.at, container: container.name, containerId: container.id };
    if (known === undefined) events.push({ ...about, type: 'up' });
    else events.push(...processEvents(known, container).map((event) => ({ ...about, ...event })));
  }
  for (const { id, name } of old.values())
    events.push({ at: after.at, container: name, containerId: id, type: 'down' });
  return events;
}

/** A restarted container is another one. */
function keyOf({ id, hostPid }: WatchedContainer): string {
  return `${id} ${hostPid}`;
}

/** Identifies a process: its pid may be given to another one later. */
export function processKey({ hostPid, start }: { hostPid: number; start: string }): string {
  return `${hostPid} ${start}`;
}

/** An event without what is the same for all of a container. */
type Happening<E = WatchEvent> = E extends WatchEvent ? Omit<E, 'at' | 'container' | 'containerId'> : never;

function processEvents(before: WatchedContainer, after: WatchedContainer): Happening[] {
  const old = new Map(before.processes.map((each) => [processKey(each), each]));
  // a pid may be another process's by now: who was the parent then is looked up in what there was then
  const earlier = namesByPid(before.processes);
  const names = new Map([...earlier, ...namesByPid(after.processes)]);
  const events: Happening[] = [];
  for (const each of after.processes) {
    const known = old.get(processKey(each));
    old.delete(processKey(each));
    events.push(
      ...(known === undefined ? beginnings(each, names) : changes(known, each, { earlier, names })),
    );
  }
  const living = new Set(after.processes.filter(({ state }) => state !== 'Z').map(processKey));
  const parents = new Map(before.processes.map((each) => [each.hostPid, each]));
  for (const gone of old.values()) {
    const type = gone.state === 'Z' ? 'reap' : 'exit';
    events.push({ type, process: nameOf(gone), ...reaperOf(parents.get(gone.parent), living) });
  }
  return events;
}

/**
 * Who has reaped a process that is gone: its parent, if that lives. If it has ended meanwhile, it may have waited just before, or
 * whoever adopted the process has: nothing tells.
 */
function reaperOf(
  parent: WatchedProcess | undefined,
  living: ReadonlySet<string>,
): { parent?: ProcessName; from?: ProcessName } {
  if (parent === undefined) return {};
  return living.has(processKey(parent)) ? { parent: nameOf(parent) } : { from: nameOf(parent) };
}

function beginnings(process: WatchedProcess, names: ReadonlyMap<number, ProcessName>): Happening[] {
  const about = { process: nameOf(process), ...parentOf(process, names) };
  return [
    { type: 'start', ...about },
    // it began and was left between two looks
    ...(process.adopted === undefined ? [] : [{ type: 'adopt', ...about } as const]),
    ...(process.state === 'Z' ? [{ type: 'zombie', ...about } as const] : []),
  ];
}

function changes(
  before: WatchedProcess,
  after: WatchedProcess,
  { earlier, names }: Record<'earlier' | 'names', ReadonlyMap<number, ProcessName>>,
): Happening[] {
  const process = nameOf(after);
  const events: Happening[] = [];
  if (before.name !== after.name) events.push({ type: 'exec', process, before: before.name });
  if (before.parent !== after.parent) {
    const from = earlier.get(before.parent);
    events.push({ type: 'adopt', process, ...parentOf(after, names), ...(from !== undefined && { from }) });
  }
  if (before.state !== after.state) {
    if (after.state === 'Z') events.push({ type: 'zombie', process, ...parentOf(after, names) });
    else if (after.state === 'T') events.push({ type: 'stop', process });
    else if (before.state === 'T') events.push({ type: 'continue', process });
  }
  return events;
}

/** Later entries win: a pid of the new snapshot is that of a process that lives. */
function namesByPid(processes: readonly WatchedProcess[]): Map<number, ProcessName> {
  return new Map(processes.map((each) => [each.hostPid, nameOf(each)]));
}

function nameOf({ hostPid, pid, name }: WatchedProcess): ProcessName {
  return { hostPid, pid, name };
}

function parentOf(
  { parent }: WatchedProcess,
  names: ReadonlyMap<number, ProcessName>,
): { parent?: ProcessName } {
  const found = names.get(parent);
  return found === undefined ? {} : { parent: found };
}
