import { accessSync, closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { FosterError } from '../errors.js';
import { openProgram, startProcess } from './clone.js';
import { memoryFile, takeMemoryFile, waitForChild } from './libc.js';

/** A line of /proc/PID/uid_map or gid_map: user_namespaces(7). */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The maps of a user namespace. */
export interface IdMaps {
  uid: IdMapping[];
  gid: IdMapping[];
  /** By newuidmap(1) and newgidmap(1), which may map ranges of /etc/subuid and /etc/subgid; else foster writes itself. */
  helpers: boolean;
}

/** Where the caller's own id stands in a map: as root, as itself, or nowhere. */
export type IdMapMode = 'default' | 'host' | 'keep-id' | 'auto';

/** The maps of a container, and whether they are all that is to be had. */
export interface ChosenMaps extends IdMaps {
  /** The caller has no range in /etc/subuid: one id is all. */
  isSingle: boolean;
  /** The caller's own ids are among those mapped. */
  isCallerMapped: boolean;
}

/** The maps of a container that is started without flags by whoever we are. */
export function defaultIdMaps(): ChosenMaps {
  return chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
}

interface Range {
  start: number;
  size: number;
}

/**
 * Which ids of the host a container gets (user_namespaces(7)): its root is the caller, its other ids are the caller's
 * ranges of subuid(5) and subgid(5). `keep-id`: the caller is himself inside too; `auto`: only the ranges.
 */
export function chooseIdMaps(mode: IdMapMode, uid: number, gid: number): ChosenMaps {
  const name = userInfo().username;
  const users = ranges('/etc/subuid', name, uid);
  const groups = ranges('/etc/subgid', name, uid);
  if (uid === 0 && users.length === 0 && mode !== 'auto') {
    const all = [{ containerID: 0, hostID: 0, size: 4294967295 }];
    return { uid: all, gid: all, helpers: false, isSingle: false, isCallerMapped: true };
  }
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
    uid: lines(mode, uid, users),
    gid: lines(mode, gid, groups),
    helpers: uid !== 0,
    isSingle: false,
    isCallerMapped: mode !== 'auto',
  };
}

/** Whether an id of the container stands for one of the host. */
export function isIdMapped(id: number, map: IdMapping[]): boolean {
  return map.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

function ranges(file: string, name: string, uid: number): Range[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const found: Range[] = [];
  for (const line of text.split('\n')) {
    const [who, start, size] = line.split(':');
    if (who !== name && who !== String(uid)) continue;
    const range = { start: Number(start), size: Number(size) };
    if (Number.isSafeInteger(range.start) && range.size > 0) found.push(range);
  }
  return found;
}

/** Lines of a map. The caller's id stands at 0, at itself (`keep-id`) or nowhere (`auto`); the ranges fill the rest. */
export function lines(mode: IdMapMode, own: number, subordinate: Range[]): IdMapping[] {
  const place = mode === 'auto' ? undefined : mode === 'keep-id' ? own : 0;
  const map: IdMapping[] = [];
  let next = 0;
  const add = (hostID: number, size: number) => {
    if (size > 0) map.push({ containerID: next, hostID, size });
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
  if (place !== undefined && place >= next) map.push({ containerID: place, hostID: own, size: 1 });
  return map;
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
  const text = (map: IdMapping[]) =>
    map.map((line) => `${line.containerID} ${line.hostID} ${line.size}`).join('\n');
  if (process.getuid?.() !== 0) writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  writeFileSync(`/proc/${pid}/uid_map`, text(maps.uid));
  writeFileSync(`/proc/${pid}/gid_map`, text(maps.gid));
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
    said: takeMemoryFile(one.errors),
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
    advice: 'apt-get install uidmap',
  });
}

/** The absolute path of a program of the host; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const system = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  const folders = [...system, ...(process.env.PATH ?? '').split(':')];
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
