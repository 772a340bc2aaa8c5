import { HOST, type NamespaceRow, type ProcessRow, type Scene } from '../view/scene.js';

/** Namespaces that have the same processes in them, what is in them, and smaller boxes. */
export interface Box {
  /** Each with its inode; `isElsewhere` if another box has the same one. */
  namespaces: { type: string; inode: number; isElsewhere: boolean }[];
  /** Processes that are in no smaller box. */
  processes: ProcessRow[];
  boxes: Box[];
  /** The ids of all containers that have processes in it. */
  containers: string[];
}

/** The order in which namespaces are put around each other, where they could be either way. */
const TYPES = ['user', 'net', 'pid', 'ipc', 'uts', 'cgroup', 'mnt', 'time'];

/** Processes that are in the same namespaces. */
interface Group {
  row: NamespaceRow;
  processes: ProcessRow[];
}

/**
 * The namespaces of the host as a box, with those of containers in it: what shares a namespace is in the same box, and the
 * namespaces that most share are the outer ones.
 * @param only the id of a container, for the boxes that it is in only
 */
export function namespaceBoxes({ processes, namespaces }: Scene, only: string | undefined): Box {
  const host = namespaces.get(HOST) ?? {};
  const groups = new Map<string, Group>();
  for (const process of processes.values()) {
    const row = process.namespaces === undefined ? undefined : namespaces.get(process.namespaces);
    if (row === undefined || process.namespaces === undefined) continue;
    const group = groups.get(process.namespaces) ?? { row, processes: [] };
    group.processes.push(process);
    groups.set(process.namespaces, group);
  }
  const all = [...groups.values()];
  const box = fill(host, TYPES, all);
  box.namespaces = TYPES.flatMap((type) => {
    const inode = host[type];
    return inode === undefined ? [] : [{ type, inode, isElsewhere: false }];
  });
  markElsewhere(box);
  return only === undefined ? box : onlyWith(box, only);
}

/** @param outside the namespaces around the box @param types those that may differ in it */
function fill(outside: NamespaceRow, types: readonly string[], groups: readonly Group[]): Box {
  const isForeign = ({ row }: Group, type: string) => row[type] !== undefined && row[type] !== outside[type];
  const boxes: Box[] = [];
  let rest = groups.filter((group) => types.some((type) => isForeign(group, type)));
  const here = groups.filter((group) => !rest.includes(group)).flatMap(({ processes }) => processes);
  while (rest.length > 0) {
    const type = mostShared(rest, types, isForeign);
    for (const members of byInode(rest, type, isForeign))
      boxes.push(boxAround(outside, types, members, isForeign));
    rest = rest.filter((group) => !isForeign(group, type));
  }
  return { namespaces: [], processes: here, boxes, containers: containersOf(groups) };
}

/** Those that are in a namespace of that type, and not in that around the box: by its inode. */
function byInode(
  groups: readonly Group[],
  type: string,
  isForeign: (group: Group, type: string) => boolean,
): Group[][] {
  const found = new Map<number, Group[]>();
  for (const group of groups) {
    if (!isForeign(group, type)) continue;
    const inode = group.row[type] ?? 0;
    found.set(inode, [...(found.get(inode) ?? []), group]);
  }
  return [...found.values()];
}

/** The type of which there are the fewest for the most. */
function mostShared(
  groups: readonly Group[],
  types: readonly string[],
  isForeign: (group: Group, type: string) => boolean,
): string {
  let best = types[0] ?? '';
  let bestShare = -1;
  for (const type of types) {
    const with_ = groups.filter((group) => isForeign(group, type));
    const share =
      with_.length / (new Set(with_.map(({ row }) => row[type])).size || Number.POSITIVE_INFINITY);
    if (share > bestShare) [best, bestShare] = [type, share];
  }
  return best;
}

function boxAround(
  outside: NamespaceRow,
  types: readonly string[],
  members: readonly Group[],
  isForeign: (group: Group, type: string) => boolean,
): Box {
  const first = members[0]?.row ?? {};
  const common = types.filter(
    (type) =>
      members.every((group) => isForeign(group, type)) &&
      members.every(({ row }) => row[type] === first[type]),
  );
  const inside = { ...outside, ...Object.fromEntries(common.map((type) => [type, first[type] ?? 0])) };
  const left = types.filter((type) => !common.includes(type));
  const box = fill(inside, left, members);
  box.namespaces = common.map((type) => ({ type, inode: first[type] ?? 0, isElsewhere: false }));
  return box;
}

function containersOf(groups: readonly Group[]): string[] {
  return [...new Set(groups.flatMap(({ processes }) => processes.map(({ container }) => container)))];
}

function markElsewhere(top: Box): void {
  const counts = new Map<string, number>();
  const visit = (box: Box, use: (namespace: Box['namespaces'][number], key: string) => void) => {
    for (const namespace of box.namespaces) use(namespace, `${namespace.type} ${namespace.inode}`);
    for (const inner of box.boxes) visit(inner, use);
  };
  visit(top, (_, key) => counts.set(key, (counts.get(key) ?? 0) + 1));
  visit(top, (namespace, key) => {
    namespace.isElsewhere = (counts.get(key) ?? 0) > 1;
  });
}

function onlyWith(box: Box, container: string): Box {
  return {
    ...box,
    processes: box.processes.filter((process) => process.container === container || box.boxes.length > 0),
    boxes: box.boxes
      .filter(({ containers }) => containers.includes(container))
      .map((inner) => onlyWith(inner, container)),
  };
}
