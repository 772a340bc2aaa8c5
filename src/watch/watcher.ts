import { readCgroups } from '../container/cgroups.js';
import { cgroupCpu, cgroupUsage } from '../container/processes/cgroup-usage.js';
import { totalMemory } from '../container/processes/columns.js';
import { ProcessMemory } from '../container/processes/memory.js';
import { type ProcessEntry, ProcessTable } from '../container/processes/table.js';
import { buildTree, type ProcessNode } from '../container/processes/tree.js';
import {
  type Container,
  eachContainer,
  findContainer,
  readContainer,
  readCounts,
  statusWord,
} from '../container/store.js';
import { eventsBetween, processKey } from './events.js';
import type { ProcessName, Snapshot, WatchEvent, WatchedContainer, WatchedProcess } from './model.js';

const MS_PER_TICK = 10; // USER_HZ is 100 on all supported architectures

/** Looks at containers again and again, and finds out what has happened meanwhile. */
export class Watcher {
  readonly #references: readonly string[] | undefined;
  readonly #memory = new ProcessMemory();
  readonly #machineMemory = totalMemory();
  #before: Snapshot | undefined;
  /** CPU time in milliseconds of processes, by their keys, and of containers, by their ids. */
  #cpu = new Map<string, number>();
  #cpuAt = 0;
  /** Who left the processes that PID 1 has adopted, by the keys of those. */
  #left = new Map<string, ProcessName>();

  /**
   * @param references names or ids; undefined for all containers that run
   * @throws FosterError if one of them does not exist
   */
  constructor(references: readonly string[] | undefined) {
    this.#references = references?.map((reference) => findContainer(reference).record.id);
  }

  /** @returns what there is now, and what has happened since the last look */
  look(): { snapshot: Snapshot; events: WatchEvent[] } {
    const table = new ProcessTable(this.#memory);
    this.#memory.keepOnly(table.byPid);
    const now = performance.now();
    const elapsed = this.#cpuAt === 0 ? 0 : now - this.#cpuAt;
    const cpu = new Map<string, number>();
    const containers = this.#containers().flatMap((container) =>
      this.#seen(container, table, { cpu, elapsed }),
    );
    const snapshot = { at: Date.now(), containers };
    this.#cpu = cpu;
    this.#cpuAt = now;
    const events = this.#before === undefined ? [] : eventsBetween(this.#before, snapshot);
    this.#noteAdoptions(events, snapshot);
    this.#before = snapshot;
    return { snapshot, events };
  }

  /** The oldest first. */
  #containers(): Container[] {
    const found =
      this.#references === undefined
        ? [...eachContainer(({ pid }) => pid !== 0)]
        : this.#references.flatMap((id) => readContainer(id) ?? []);
    return found.sort((a, b) => Date.parse(a.record.created) - Date.parse(b.record.created));
  }

  #seen(
    { record, state }: Container,
    table: ProcessTable,
    { cpu, elapsed }: { cpu: Map<string, number>; elapsed: number },
  ): WatchedContainer[] {
    const members = state.pid === 0 ? [] : table.members(state.pid, record);
    const entries = new Map(members.map((entry) => [entry.pid, entry]));
    const share = (key: string, time: number) => {
      cpu.set(key, time);
      const before = this.#cpu.get(key);
      return before === undefined || elapsed <= 0 ? 0 : Math.max(((time - before) / elapsed) * 100, 0);
    };
    const roots = buildTree(members, {
      shim: record.init,
      idsOf: (pid) => {
        const entry = table.byPid.get(pid);
        return entry && this.#memory.ids(entry);
      },
      commandOf: (entry) => this.#memory.command(entry),
    });
    const processes = flattened(roots).flatMap(({ node, lasts }) => {
      const entry = entries.get(node.hostPid);
      return entry === undefined ? [] : [this.#process(node, entry, lasts, share)];
    });
    const counts = readCounts(record.id);
    const places = readCgroups(record.id);
    const total = members.reduce((sum, entry) => sum + ticksOf(entry) + entry.childrenTime, 0) * MS_PER_TICK;
    const used = members.length === 0 ? 0 : cgroupUsage(places, this.#machineMemory).memory;
    const resident = members.reduce((sum, { residentSize }) => sum + residentSize, 0);
    return [
      {
        id: record.id,
        name: record.name,
        image: record.root,
        status: statusWord(state),
        hostPid: state.pid,
        cpu: share(record.id, cgroupCpu(places) ?? total),
        memory: used ?? resident,
        ...(counts && { counts }),
        processes,
      },
    ];
  }

  #process(
    node: ProcessNode,
    entry: ProcessEntry,
    lasts: boolean[],
    share: (key: string, time: number) => number,
  ): WatchedProcess {
    const { hostPid, pid, state, command, threads, joined, adopted } = node;
    const { start, parent, name, residentSize } = entry;
    const key = processKey({ hostPid, start });
    const from = this.#left.get(key);
    return {
      hostPid,
      pid,
      name,
      start,
      parent,
      state,
      command,
      threads,
      cpu: share(key, ticksOf(entry) * MS_PER_TICK),
      memory: residentSize,
      lasts,
      ...(joined && { joined }),
      ...((adopted ?? from) && { adopted: { ...defined(adopted), ...(from && { from }) } }),
    };
  }

  /** Remembers who left whom, for as long as the orphan is there. */
  #noteAdoptions(events: readonly WatchEvent[], { containers }: Snapshot): void {
    const processes = new Map(
      containers.flatMap(({ processes }) => processes.map((each) => [each.hostPid, each] as const)),
    );
    const keys = new Set([...processes.values()].map(processKey));
    for (const key of this.#left.keys()) if (!keys.has(key)) this.#left.delete(key);
    for (const event of events) {
      if (event.type !== 'adopt' || event.from === undefined) continue;
      const process = processes.get(event.process.hostPid);
      if (process === undefined) continue;
      this.#left.set(processKey(process), event.from);
      process.adopted = { ...process.adopted, from: event.from };
    }
  }
}

function ticksOf({ userTime, systemTime }: ProcessEntry): number {
  return userTime + systemTime;
}

/** Without properties that are undefined. */
function defined(lost: ProcessNode['adopted']): { session?: number; group?: number } {
  return {
    ...(lost?.session !== undefined && { session: lost.session }),
    ...(lost?.group !== undefined && { group: lost.group }),
  };
}

/** What is deeper in the tree is drawn at this depth: nobody has a terminal that is wide enough. */
const DEEPEST = 64;

/** The nodes of trees in the order in which they are drawn. A container may have a chain of thousands. */
function flattened(roots: readonly ProcessNode[]): { node: ProcessNode; lasts: boolean[] }[] {
  const found: { node: ProcessNode; lasts: boolean[] }[] = [];
  const waiting = roots.map((node) => ({ node, lasts: [] as boolean[] })).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    const { node, lasts } = next;
    const children = node.children.map((child, index) => ({
      node: child,
      lasts: lasts.length < DEEPEST ? [...lasts, index === node.children.length - 1] : lasts,
    }));
    waiting.push(...children.reverse());
  }
  return found;
}
