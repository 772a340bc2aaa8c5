import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { hasFuseOverlayfs } from '../launch/storage-program.js';
import { RootFiles } from '../layers/root-files.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import { isHostIdMapped } from '../spec/id-maps.js';
import { quoted } from '../spec/parse/flag.js';
import type { StorageDriver } from '../spec/storage-driver.js';
import type { Spec } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { openInRoot } from '../sys/libc.js';
import { type NetworkFiles, networkFiles } from './host-facts.js';

/**
 * A directory that is given as ROOT may belong to anybody, and anything may be mounted in it: what the kernel does not lay
 * an overlay over in a user namespace, fuse-overlayfs or a copy may still do for.
 */
export interface RootDirectory {
  path: string;
  spec: Spec;
  network: NetworkFiles;
  maps: ChosenMaps;
}

/**
 * The driver for a container of a directory.
 * @param driver the one that others get
 * @param options `mayFuse`: fuse-overlayfs would do as well; `isAsked`: a person wants this driver and no other
 * @throws FosterError if no driver could show the directory's files
 */
export function directoryDriver(
  root: RootDirectory,
  driver: StorageDriver,
  options: { isAsked: boolean; mayFuse: boolean },
  warn: (sentence: string) => void,
): StorageDriver {
  const { path, maps } = root;
  if (maps.uid.length === 0) return driver; // without a user namespace root may do all of it
  const O_PATH = 0o10000000;
  const top = openSync(path, O_PATH | constants.O_DIRECTORY);
  try {
    checkReadable(top, root, driver);
    const problem = driver === 'overlay' && !options.isAsked ? problemOfOverlay(top, root) : undefined;
    if (problem === undefined) return driver;
    const other = options.mayFuse && hasFuseOverlayfs() ? 'fuse-overlayfs' : 'copy';
    if (other === 'copy' && realPath(top) === '/') throw isTooMuch();
    checkReadable(top, root, other);
    const what = other === 'copy' ? 'a copy' : other;
    warn(`the kernel cannot lay an overlay over ${path}: ${problem}; ${what} does in its place`);
    return other;
  } finally {
    closeSync(top);
  }
}

function isTooMuch(): FosterError {
  return new FosterError('cannot use / as the root filesystem: file systems are mounted in it', {
    advice: 'give host, which shows the programs of this machine, or install fuse-overlayfs',
  });
}

/** The directories without which there is nothing to be seen, and nowhere to put foster's own files. */
const NEEDED = ['/', '/etc'];

function checkReadable(top: number, { path, maps }: RootDirectory, driver: StorageDriver): void {
  for (const place of NEEDED) {
    const info = statIn(top, place);
    if (info === undefined || mayRead(info, maps, driver !== 'overlay')) continue;
    const name = place === '/' ? path : `${path}${place}`;
    const mode = (info.mode & 0o7777).toString(8).padStart(4, '0');
    throw new FosterError(
      `cannot use ${path} as the root filesystem: permission denied (EACCES): ${name} belongs to user ${info.uid} and group ${info.gid} and has mode ${mode}`,
      {
        advice: `make a copy that belongs to you: sudo tar -C ${quoted(path)} -c . | foster run - COMMAND`,
      },
    );
  }
}

/** Whether root in the container, who is the caller outside, may enter a directory, and `lists`: see its names. */
function mayRead({ uid, gid, mode }: Stats, maps: ChosenMaps, lists: boolean): boolean {
  // The rights of root count for what has an owner and a group in the user namespace: capabilities(7).
  if (isHostIdMapped(uid, maps.uid) && isHostIdMapped(gid, maps.gid)) return true;
  const isOwner = maps.isCallerMapped && uid === process.getuid?.();
  // other groups of the caller are given up where that is possible
  const groups = maps.isSingle ? (process.getgroups?.() ?? []) : [];
  const isGroup = maps.isCallerMapped && (gid === process.getgid?.() || groups.includes(gid));
  const wanted = lists ? 5 : 1;
  return ((mode >> (isOwner ? 6 : isGroup ? 3 : 0)) & wanted) === wanted;
}

/** Why an overlay of the kernel's would fail; undefined if it does not. */
function problemOfOverlay(top: number, root: RootDirectory): string | undefined {
  const mounted = mountIn(realPath(top));
  if (mounted !== undefined) return `there is a file system mounted on ${mounted}`;
  for (const place of placesToChange(root)) {
    const foreign = foreignOwner(top, place, root.maps);
    if (foreign !== undefined) return foreign;
  }
  return undefined;
}

/** A mount below a directory: user namespaces may not take the directory without it, mount_namespaces(7), "locked". */
function mountIn(folder: string): string | undefined {
  const below = folder === '/' ? '/' : `${folder}/`;
  for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
    const [, , , , escaped = ''] = line.split(' ');
    const place = escaped.replace(/\\([0-7]{3})/g, (_all, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if (place.startsWith(below) && place !== folder) return Buffer.from(place, 'latin1').toString();
  }
  return undefined;
}

/** The path of an open directory without links, a character for each byte. */
function realPath(directory: number): string {
  return readlinkSync(`/proc/self/fd/${directory}`, { encoding: 'latin1' });
}

interface Place {
  path: string;
  /** A symbolic link makes room for it. */
  isReplaced: boolean;
}

/** Paths at which foster mounts something, where it makes what is missing. */
function placesToChange({ path, spec, network }: RootDirectory): Place[] {
  const files = new RootFiles([path]);
  try {
    const mounts = spec.mounts.map(({ destination }) => destination);
    const wanted = [
      ...[...mounts, spec.process.cwd].map((place) => ({ path: place, isReplaced: false })),
      ...networkFiles(network, spec, files)
        .filter(({ isOptional }) => !isOptional)
        .map((file) => ({ path: file.path, isReplaced: file.replacesLink })),
    ];
    // what is below another mount is not in this directory
    return wanted.filter((place) => !mounts.some((mount) => place.path.startsWith(`${mount}/`)));
  } finally {
    files.close();
  }
}

/**
 * Who is in the way of a new name at a path: the directory that is to hold it is copied to the container's own layer first,
 * with its owner and group, which the container must know.
 */
function foreignOwner(top: number, { path, isReplaced }: Place, maps: ChosenMaps): string | undefined {
  if (!isReplaced && statIn(top, path) !== undefined) return undefined;
  for (let parent = above(path); parent !== '/'; parent = above(parent)) {
    const info = statIn(top, parent);
    if (info === undefined) continue;
    const user = isHostIdMapped(info.uid, maps.uid) ? undefined : `user ${info.uid}`;
    const group = isHostIdMapped(info.gid, maps.gid) ? undefined : `group ${info.gid}`;
    const owner = user ?? group;
    return owner && `${parent} in it belongs to ${owner}, which the container does not have`;
  }
  return undefined; // the top of the container's own layer is foster's work
}

function above(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function statIn(top: number, path: string): Stats | undefined {
  const O_PATH = 0o10000000;
  try {
    const fd = openInRoot(top, path, O_PATH);
    try {
      return fstatSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
