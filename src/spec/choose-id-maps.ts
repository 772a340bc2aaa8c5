import { callerName } from '../sys/caller-name.js';
import { FosterError } from '../sys/errors.js';
import { type IdMapping, type IdMaps, mapText } from './id-maps.js';
import {
  addRangesCommand,
  type HostFiles,
  MACHINE,
  mappedIds,
  ownRange,
  type Range,
  subordinateRanges,
} from './id-ranges.js';

/** Where a map puts the caller's own id: at root, at itself, or nowhere. */
export type IdMapMode = 'default' | 'host' | 'keep-id' | 'auto';

/** The maps of a container, and how complete they are. */
export interface ChosenMaps extends IdMaps {
  /** Whether only one id is mapped, because the caller, who is not root, has no range in /etc/subuid. */
  isSingle: boolean;
  /** Whether the caller's own ids are mapped. */
  isCallerMapped: boolean;
}

/** The maps of a container that the caller starts without flags. */
export function defaultIdMaps(): ChosenMaps {
  return chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
}

/**
 * Which ids of the host a container gets (user_namespaces(7)). If a user starts it, its root is the caller, and its
 * other ids are from the caller's ranges in subuid(5) and subgid(5). If root starts it, it gets only ranges, root's or
 * one that foster picks, so that its root is not the host's. `keep-id`: the caller has the same id inside; `auto`: only
 * ranges; `host`: as the default, but for root all ids unchanged.
 */
export function chooseIdMaps(
  mode: IdMapMode,
  uid: number,
  gid: number,
  files: HostFiles = MACHINE,
): ChosenMaps {
  if (uid === 0) return idMapsOfRoot(mode, files);
  const name = callerName();
  const { uid: users, gid: groups } = subordinateRanges(name, uid, files);
  if (users.length === 0 || groups.length === 0) {
    if (mode === 'auto') {
      throw new FosterError(
        `cannot give the container its own user ids: ${name} has no range in /etc/subuid and /etc/subgid`,
        {
          advice: `ask root for "${addRangesCommand(name, files)}"`,
        },
      );
    }
    const inside = mode === 'keep-id' ? { uid, gid } : { uid: 0, gid: 0 };
    return {
      uid: [{ containerID: inside.uid, hostID: uid, size: 1 }],
      gid: [{ containerID: inside.gid, hostID: gid, size: 1 }],
      helpers: false,
      isSingle: true,
      isCallerMapped: true,
    };
  }
  return {
    uid: checkedMap('user', mapLines(mode, uid, users)),
    gid: checkedMap('group', mapLines(mode, gid, groups)),
    helpers: true,
    isSingle: false,
    isCallerMapped: mode !== 'auto',
  };
}

/** Root needs neither helpers nor ranges in /etc/subuid. */
function idMapsOfRoot(mode: IdMapMode, files: HostFiles): ChosenMaps {
  const whose = { helpers: false, isSingle: false };
  if (mode === 'default' || mode === 'auto') {
    const { uid: users, gid: groups } = subordinateRanges('root', 0, files);
    const own = users.length > 0 && groups.length > 0 ? undefined : ownRange(files);
    const [uid, gid] = own === undefined ? [users, groups] : [[own], [own]];
    if (uid.length > 0 && gid.length > 0) {
      return {
        uid: checkedMap('user', mapLines('auto', 0, uid)),
        gid: checkedMap('group', mapLines('auto', 0, gid)),
        isCallerMapped: false,
        ...whose,
      };
    }
  }
  return { ...allIds(files), isCallerMapped: true, ...whose };
}

/** The maps of a user namespace with the same ids as the current one. */
export function allIds(files: HostFiles = MACHINE): IdMaps {
  const asHere = (path: string) =>
    mappedIds(files.read(path)).map(({ start, size }) => ({ containerID: start, hostID: start, size }));
  return { uid: asHere('/proc/self/uid_map'), gid: asHere('/proc/self/gid_map'), helpers: false };
}

/**
 * The lines of a map. The caller's id is at 0, at itself (`keep-id`) or nowhere (`auto`); the ranges fill the rest.
 * Adjacent ranges are merged into one line.
 * @param place where the caller's id is put, if it is elsewhere
 */
export function mapLines(
  mode: IdMapMode,
  own: number,
  subordinate: Range[],
  place = mode === 'auto' ? undefined : mode === 'keep-id' ? own : 0,
): IdMapping[] {
  const map: IdMapping[] = [];
  const put = (containerID: number, hostID: number, size: number) => {
    const last = map.at(-1);
    if (last && last.containerID + last.size === containerID && last.hostID + last.size === hostID)
      last.size += size;
    else map.push({ containerID, hostID, size });
  };
  let next = 0;
  const add = (hostID: number, size: number) => {
    if (size > 0) put(next, hostID, size);
    next += size;
  };
  for (const { start, size } of subordinate) {
    const before = place !== undefined && place >= next ? Math.min(place - next, size) : size;
    add(start, before);
    if (next === place) {
      add(own, 1);
      add(start + before, size - before);
    }
  }
  if (place !== undefined && place >= next) put(place, own, 1);
  return map;
}

/** The kernel's limits for the lines and total bytes of a map: user_namespaces(7). */
const MOST_LINES = 340;
const MOST_BYTES = 4095;

/** @throws FosterError for a map that exceeds the limits of the kernel */
export function checkedMap(kind: 'user' | 'group', map: IdMapping[]): IdMapping[] {
  if (map.length <= MOST_LINES && mapText(map).length <= MOST_BYTES) return map;
  const file = kind === 'user' ? '/etc/subuid' : '/etc/subgid';
  throw new FosterError(
    `cannot map the ${kind} ids of the container: your ranges in ${file} need ${map.length} lines in an id map, and the kernel accepts ${MOST_LINES} lines or ${MOST_BYTES} bytes`,
    { advice: `use fewer and larger ranges in ${file}` },
  );
}

/** The host's ids of root in the container; undefined if the caller is one of its users, who may be root. */
export function foreignRoot({ uid, gid }: IdMaps): { uid: number; gid: number } | undefined {
  const own = process.getuid?.() ?? 0;
  if (uid.length === 0 || uid.some(({ hostID, size }) => own >= hostID && own < hostID + size))
    return undefined;
  const root = (map: IdMapping[]) => map.find(({ containerID }) => containerID === 0)?.hostID;
  const [user, group] = [root(uid), root(gid)];
  return user === undefined || group === undefined ? undefined : { uid: user, gid: group };
}
