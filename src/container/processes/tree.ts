import type { Container } from '../store.js';
import { liveMembers } from './columns.js';
import { commandLine, type ProcessEntry, type ProcessIds, readIds } from './table.js';

/** A process of a container with its children. */
export interface ProcessNode {
  /** Pid in the container's PID namespace; undefined if the process has just exited. */
  pid: number | undefined;
  hostPid: number;
  /** One letter: ProcessEntry. */
  state: string;
  command: string;
  threads: number;
  /** Set if it was started by `foster exec`, so that its parent is not in the container. */
  joined?: true;
  /** Set if its parent has died, and PID 1 has adopted it. */
  adopted?: LostParent;
  children: ProcessNode[];
}

/** What the kernel still knows about the lost parent of an orphan: ids in the container's PID namespace. */
export interface LostParent {
  /** The session that it was born in. Undefined if it has created its own. */
  session: number | undefined;
  /** Its process group, if that is neither its own nor the session's. */
  group: number | undefined;
}

/**
 * The process tree of a container: PID 1 with its descendants, then processes of `foster exec`.
 * @throws FosterError if it is not running
 */
export function processTree(container: Container): ProcessNode[] {
  return buildTree(liveMembers(container), {
    shim: container.record.init,
    idsOf: readIds,
    commandOf: commandLine,
  });
}

/** Facts for the tree, besides the entries. */
export interface TreeSource {
  /** Whether PID 1 is foster-init, whose only child of its own is the user's process. */
  shim: boolean;
  idsOf(pid: number): ProcessIds | undefined;
  commandOf(entry: ProcessEntry): string;
}

/** Builds the tree of `members`, the first of which is PID 1. */
export function buildTree(members: ProcessEntry[], source: TreeSource): ProcessNode[] {
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
      // PID 1 of a pod is none of its containers' processes, but adopts their orphans
      if (entry !== init && source.idsOf(entry.parent)?.pids[level] === 1)
        node.adopted = orphanhoodOf(source.idsOf(entry.pid), level);
      else if (entry !== init) node.joined = true;
      roots.push(node);
      continue;
    }
    parent.children.push(node);
    if (entry.parent !== init.pid || entry === own) continue;
    const orphanhood = orphanhoodOf(source.idsOf(entry.pid), level);
    // If PID 1 is not foster-init, its children may be its own.
    const isForeign =
      orphanhood.session !== undefined && orphanhood.session !== source.idsOf(init.pid)?.sessions[level];
    if (source.shim || isForeign) node.adopted = orphanhood;
  }
  return roots.sort((a, b) => Number(a.joined ?? false) - Number(b.joined ?? false));
}

/** The user's process; undefined if it has ended, and only orphans are left. */
function firstChild(init: ProcessEntry, members: ProcessEntry[]): ProcessEntry | undefined {
  return members.filter(({ parent }) => parent === init.pid).sort(byAge)[0];
}

function byAge(a: ProcessEntry, b: ProcessEntry): number {
  return Number(a.start) - Number(b.start) || a.pid - b.pid;
}

function orphanhoodOf(ids: ProcessIds | undefined, level: number): LostParent {
  const pid = ids?.pids[level];
  const session = ids?.sessions[level];
  const group = ids?.groups[level];
  return {
    session: session === pid || session === 0 ? undefined : session,
    group: group === pid || group === session || group === 0 ? undefined : group,
  };
}
