import { accessSync, closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { IdMapping, IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { memoryFile, readMemoryFile, waitForChild } from '../sys/libc.js';
import { surroundings } from '../sys/surroundings.js';
import { openProgram, startProcess } from './clone.js';
import { type HostFiles, MACHINE, mappedHere, ownRange, type Range, subordinateRanges } from './id-ranges.js';

/** Where the caller's own id stands in a map: as root, as itself, or nowhere. */
export type IdMapMode = 'default' | 'host' | 'keep-id' | 'auto';

/** The maps of a container, and whether they are all that is to be had. */
export interface ChosenMaps extends IdMaps {
  /** The caller, not root, has no range in /etc/subuid: one id is all. */
  isSingle: boolean;
  /** The caller's own ids are among those mapped. */
  isCallerMapped: boolean;
}

/** The maps of a container that is started without flags by whoever we are. */
export function defaultIdMaps(): ChosenMaps {
  return chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
}

/**
 * Which ids of the host a container gets (user_namespaces(7)). Of a user: its root is the caller, its other ids are the
 * caller's ranges of subuid(5) and subgid(5). Of root: only ranges, his own or one that foster takes, so that root in the
 * container is not the host's. `keep-id`: the caller is himself inside too; `auto`: only the ranges; `host`: as the
 * default, but of root all ids as they are.
 */
export function chooseIdMaps(
  mode: IdMapMode,
  uid: number,
  gid: number,
  files: HostFiles = MACHINE,
): ChosenMaps {
  if (uid === 0) return idMapsOfRoot(mode, files);
  const { username: name } = userInfo();
  const { uid: users, gid: groups } = subordinateRanges(name, uid, files);
  if (users.length === 0 || groups.length === 0) {
    if (mode === 'auto') {
      throw new FosterError(
        `cannot give the container user ids of its own: ${name} has no range in /etc/subuid and /etc/subgid`,
        {
          advice: `ask root for "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}"`,
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
    uid: checked('user', lines(mode, uid, users)),
    gid: checked('group', lines(mode, gid, groups)),
    helpers: true,
    isSingle: false,
    isCallerMapped: mode !== 'auto',
  };
}

/** Root needs no helpers, and no ranges of /etc/subuid. */
function idMapsOfRoot(mode: IdMapMode, files: HostFiles): ChosenMaps {
  const whose = { helpers: false, isSingle: false };
  if (mode === 'default' || mode === 'auto') {
    const { uid: users, gid: groups } = subordinateRanges('root', 0, files);
    const own = users.length > 0 && groups.length > 0 ? undefined : ownRange(files);
    const [uid, gid] = own === undefined ? [users, groups] : [[own], [own]];
    if (uid.length > 0 && gid.length > 0) {
      return {
        uid: checked('user', lines('auto', 0, uid)),
        gid: checked('group', lines('auto', 0, gid)),
        isCallerMapped: false,
        ...whose,
      };
    }
  }
  return { ...allIds(files), isCallerMapped: true, ...whose };
}

/** The maps of a user namespace in which all ids are what they are in ours. */
export function allIds(files: HostFiles = MACHINE): IdMaps {
  const asHere = (path: string) =>
    mappedHere(files.read(path)).map(({ start, size }) => ({ containerID: start, hostID: start, size }));
  return { uid: asHere('/proc/self/uid_map'), gid: asHere('/proc/self/gid_map'), helpers: false };
}

/** Whether an id of the host means something in the container. */
export function isHostIdMapped(id: number, map: IdMapping[]): boolean {
  return map.some(({ hostID, size }) => id >= hostID && id < hostID + size);
}

/**
 * Lines of a map. The caller's id stands at 0, at itself (`keep-id`) or nowhere (`auto`); the ranges fill the rest.
 * Ranges that continue each other make one line.
 */
export function lines(mode: IdMapMode, own: number, subordinate: Range[]): IdMapping[] {
  const place = mode === 'auto' ? undefined : mode === 'keep-id' ? own : 0;
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

/** What the kernel takes at the most: lines, and bytes in all. user_namespaces(7). */
const MOST_LINES = 340;
const MOST_BYTES = 4095;

function checked(kind: 'user' | 'group', map: IdMapping[]): IdMapping[] {
  if (map.length <= MOST_LINES && mapText(map).length <= MOST_BYTES) return map;
  const file = kind === 'user' ? '/etc/subuid' : '/etc/subgid';
  throw new FosterError(
    `cannot map the ${kind} ids of the container: your ranges in ${file} make ${map.length} lines of an id map, and the kernel takes ${MOST_LINES} lines or ${MOST_BYTES} bytes`,
    { advice: `have fewer and larger ranges in ${file}` },
  );
}

/** A map as uid_map and gid_map take it. */
export function mapText(map: IdMapping[]): string {
  return map.map((line) => `${line.containerID} ${line.hostID} ${line.size}\n`).join('');
}

/** The host's ids of root in the container; undefined where the caller is among its users, and may be it himself. */
export function strangerAsRoot({ uid, gid }: IdMaps): { uid: number; gid: number } | undefined {
  const own = process.getuid?.() ?? 0;
  if (uid.length === 0 || uid.some(({ hostID, size }) => own >= hostID && own < hostID + size))
    return undefined;
  const root = (map: IdMapping[]) => map.find(({ containerID }) => containerID === 0)?.hostID;
  const [user, group] = [root(uid), root(gid)];
  return user === undefined || group === undefined ? undefined : { uid: user, gid: group };
}

/** Whether there is just one user, or one group, that files can be given to. */
export function hasOneOwner({ uid, gid }: IdMaps): boolean {
  return [uid, gid].some((map) => map.length === 1 && map[0]?.size === 1);
}

/** Writes the maps of the user namespace that process `pid` is in. */
export function writeIdMaps(pid: number, maps: IdMaps): void {
  if (maps.helpers) {
    writeByHelpers(pid, maps);
    return;
  }
  if (process.getuid?.() !== 0) writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  writeFileSync(`/proc/${pid}/uid_map`, mapText(maps.uid));
  writeFileSync(`/proc/${pid}/gid_map`, mapText(maps.gid));
}

/** Both helpers at once: newuidmap(1), newgidmap(1). */
function writeByHelpers(pid: number, maps: IdMaps): void {
  const nothing = openSync('/dev/null', 'r+');
  const started = (['uid', 'gid'] as const).map((kind) => {
    const helper = `new${kind}map`;
    const numbers = maps[kind].flatMap((line) => [line.containerID, line.hostID, line.size].map(String));
    const program = openProgram(findHelper(helper));
    const errors = memoryFile(helper, new Uint8Array());
    const child = startProcess(
      {
        file: program,
        argv: [helper, String(pid), ...numbers],
        env: [],
        descriptors: [nothing, nothing, errors],
      },
      0,
    );
    closeSync(program);
    closeSync(child.pidfd);
    return { helper, kind, errors, pid: child.pid };
  });
  closeSync(nothing);
  // Both are waited for before either's failure is told, lest one stays a zombie.
  const ended = started.map((one) => ({
    ...one,
    status: waitForChild(one.pid),
    said: readMemoryFile(one.errors),
  }));
  for (const { helper, kind, status, said } of ended) {
    if (status.code === 0) continue;
    throw new FosterError(
      `cannot map ${kind === 'uid' ? 'user' : 'group'} ids: ${helper} failed: ${said || `exit code ${status.code}`}`,
      {
        advice: `check your range in /etc/sub${kind} and that ${helper} is setuid root`,
      },
    );
  }
}

/**
 * Where `newuidmap` or `newgidmap` is. They are setuid root, so they lie where the system's programs do; each look
 * elsewhere before takes 0.2 ms.
 * @throws FosterError where it is not installed
 */
export function findHelper(name: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  const what = name === 'newuidmap' ? 'user' : 'group';
  throw new FosterError(`cannot map ${what} ids: ${name} is not installed`, {
    kind: 'unsupported',
    advice: 'apt-get install uidmap',
  });
}

/** The absolute path of a program of the host; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const system = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  const folders = [...system, ...(surroundings().env.PATH ?? '').split(':')];
  for (const folder of folders) {
    if (!folder.startsWith('/')) continue;
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // not here: look on
    }
  }
  return undefined;
}
