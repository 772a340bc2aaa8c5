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
import { unseen } from '../sys/sightings.js';
import { type NetworkFiles, networkFiles } from './host-facts.js';

/**
 * A directory given as ROOT. It may belong to anybody, and anything may be mounted in it, so that the kernel may refuse an
 * overlay over it in a user namespace. fuse-overlayfs or a copy may still work.
 */
export interface RootDirectory {
  path: string;
  spec: Spec;
  network: NetworkFiles;
  maps: ChosenMaps;
}

/**
 * The driver for a container of a directory.
 * @param driver the driver that other containers get
 * @param options `mayFuse`: fuse-overlayfs is possible; `isAsked`: the user wants this driver and no other
 * @throws FosterError if no driver can show the directory's files
 */
export function directoryDriver(
  root: RootDirectory,
  driver: StorageDriver,
  options: { isAsked: boolean; mayFuse: boolean },
  warn: (sentence: string) => void,
): StorageDriver {
  const { path, maps } = root;
  if (maps.uid.length === 0) return driver; // root without a user namespace may mount anything
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
    warn(`the kernel cannot mount an overlay over ${path}: ${problem}; using ${what} instead`);
    return other;
  } finally {
    closeSync(top);
  }
}

function isTooMuch(): FosterError {
  return new FosterError('cannot use / as the root filesystem: file systems are mounted in it', {
    advice:
      "use the root filesystem 'host', which shows the programs of this machine, or install fuse-overlayfs",
  });
}

/** Directories that must be readable: the files of the container start at /, and foster puts files into /etc. */
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

/** Whether the container's root, who is the caller on the host, may enter a directory and, with `lists`, list it. */
function mayRead({ uid, gid, mode }: Stats, maps: ChosenMaps, lists: boolean): boolean {
  // Root's capabilities apply to files whose owner and group are both mapped in the user namespace: capabilities(7).
  if (isHostIdMapped(uid, maps.uid) && isHostIdMapped(gid, maps.gid)) return true;
  const isOwner = maps.isCallerMapped && uid === process.getuid?.();
  // the container drops the caller's other groups if it can
  const groups = maps.isSingle ? (process.getgroups?.() ?? []) : [];
  const isGroup = maps.isCallerMapped && (gid === process.getgid?.() || groups.includes(gid));
  const wanted = lists ? 5 : 1;
  return ((mode >> (isOwner ? 6 : isGroup ? 3 : 0)) & wanted) === wanted;
}

/** Why the kernel's overlay would fail; undefined if it works. */
function problemOfOverlay(top: number, root: RootDirectory): string | undefined {
  const mounted = mountIn(realPath(top));
  if (mounted !== undefined) return `there is a file system mounted on ${mounted}`;
  for (const place of placesToChange(root)) {
    const foreign = foreignOwner(top, place, root.maps);
    if (foreign !== undefined) return foreign;
  }
  return undefined;
}

/** A mount below a directory. A user namespace cannot mount the directory without it: mount_namespaces(7), "locked". */
function mountIn(folder: string): string | undefined {
  const below = folder === '/' ? '/' : `${folder}/`;
  // without this look, the kernel refuses the overlay
  const mounts = unseen(() => readFileSync('/proc/self/mountinfo', 'latin1'));
  for (const line of mounts.split('\n')) {
    const [, , , , escaped = ''] = line.split(' ');
    const place = escaped.replace(/\\([0-7]{3})/g, (_all, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if (place.startsWith(below) && place !== folder) return Buffer.from(place, 'latin1').toString();
  }
  return undefined;
}

/** The path of an open directory without links, with one character for each byte. */
function realPath(directory: number): string {
  return readlinkSync(`/proc/self/fd/${directory}`, { encoding: 'latin1' });
}

interface Place {
  path: string;
  /** Whether it replaces a symbolic link. */
  isReplaced: boolean;
}

/** Paths at which foster mounts something, and creates what is missing. */
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
    // paths below another mount are not in this directory
    return wanted.filter((place) => !mounts.some((mount) => place.path.startsWith(`${mount}/`)));
  } finally {
    files.close();
  }
}

/**
 * The owner who makes it impossible to create a name at a path, if any. The directory that gets the name is first copied to
 * the container's own layer with its owner and group, and both must be mapped in the container.
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
  return undefined; // foster itself makes the top of the container's own layer
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
