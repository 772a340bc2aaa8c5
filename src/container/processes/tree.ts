import type { Container } from '../store.js';
import { liveMembers } from './columns.js';
import { commandLine, type ProcessEntry, type ProcessIds, readIds } from './table.js';

/** A process of a container with its children. */
export interface ProcessNode {
  /** In the container's PID namespace; undefined for a process that has just ended. */
  pid: number | undefined;
  hostPid: number;
  /** One letter: ProcessEntry. */
  state: string;
  command: string;
  threads: number;
  /** It came from outside, by `foster exec`: its parent is not in the container. */
  joined?: true;
  /** It lost its parent, and PID 1 adopted it. */
  adopted?: Orphanhood;
  children: ProcessNode[];
}

/** What the kernel still tells about the parent that a process lost: numbers in the container's PID namespace. */
export interface Orphanhood {
  /** The session it was born into. Undefined if it made one of its own: then nothing is known. */
  session: number | undefined;
  /** Its process group, where that is neither its own nor the session's. */
  group: number | undefined;
}

/**
 * The process tree of a container: PID 1 with all below it, then what `foster exec` started.
 * @throws FosterError when it does not run
 */
export function processTree(container: Container): ProcessNode[] {
  return growTree(liveMembers(container), {
    shim: container.record.init,
    idsOf: readIds,
    commandOf: commandLine,
  });
}

/** Where the tree's facts come from, beside the entries. */
export interface TreeSource {
  /** Whether PID 1 is foster-init, whose one child of its own is the user's process. */
  shim: boolean;
  idsOf(pid: number): ProcessIds | undefined;
  commandOf(entry: ProcessEntry): string;
}

/** The tree of `members`, the first of which is PID 1. */
export function growTree(members: ProcessEntry[], source: TreeSource): ProcessNode[] {
  const [init] = members;
  if (init === undefined) return [];
  const level = (source.idsOf(init.pid)?.pids.length ?? 1) - 1;
  const nodes = new Map<number, ProcessNode>();
  for (const entry of members) {
    nodes.set(entry.pid, {
      pid: source.idsOf(entry.pid)?.pids[level],
      hostPid: entry.pid,
      state: entry.state,
      command: source.commandOf(entry),
      threads: entry.threads,
      children: [],
    });
  }
  const roots: ProcessNode[] = [];
  const own = source.shim ? firstChild(init, members) : undefined;
  for (const entry of [...members].sort(byAge)) {
    const node = nodes.get(entry.pid);
    if (node === undefined) continue;
    const parent = entry === init ? undefined : nodes.get(entry.parent);
    if (parent === undefined) {
      if (entry !== init) node.joined = true;
      roots.push(node);
      continue;
    }
    parent.children.push(node);
    if (entry.parent !== init.pid || entry === own) continue;
    const orphanhood = orphanhoodOf(source.idsOf(entry.pid), level);
    // What has PID 1 for its parent may be its child, when that is no foster-init.
    const isForeign =
      orphanhood.session !== undefined && orphanhood.session !== source.idsOf(init.pid)?.sessions[level];
    if (source.shim || isForeign) node.adopted = orphanhood;
  }
  return roots.sort((a, b) => Number(a.joined ?? false) - Number(b.joined ?? false));
}

/** The user's process; undefined when it has ended, and only orphans are left. */
function firstChild(init: ProcessEntry, members: ProcessEntry[]): ProcessEntry | undefined {
  return members.filter(({ parent }) => parent === init.pid).sort(byAge)[0];
}

function byAge(a: ProcessEntry, b: ProcessEntry): number {
  return Number(a.start) - Number(b.start) || a.pid - b.pid;
}

function orphanhoodOf(ids: ProcessIds | undefined, level: number): Orphanhood {
  const pid = ids?.pids[level];
  const session = ids?.sessions[level];
  const group = ids?.groups[level];
  return {
    session: session === pid || session === 0 ? undefined : session,
    group: group === pid || group === session || group === 0 ? undefined : group,
  };
}
