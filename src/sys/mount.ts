import { readFileSync, realpathSync } from 'node:fs';
import { call } from './ffi.js';

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_PRIVATE = 1 << 18;

const MOUNT =
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)';

/** Keeps mounts of this mount namespace from propagating: mount_namespaces(7), "Shared subtrees". */
export function makeMountsPrivate(): void {
  call(MOUNT, null, '/', null, MS_REC | MS_PRIVATE, null);
}

/**
 * mount(2) of an overlay like those of containers. The names of the folders must not contain commas or colons: use
 * /proc/self/fd/N. `lower` are one or more folders, topmost first; without `upper` at least two, and the overlay is
 * read-only.
 */
export function mountOverlay(
  target: string,
  { lower, upper }: { lower: readonly string[]; upper?: { folder: string; work: string } },
): void {
  const writable = upper === undefined ? '' : `,upperdir=${upper.folder},workdir=${upper.work}`;
  call(MOUNT, 'overlay', target, 'overlay', 0, `lowerdir=${lower.join(':')}${writable},userxattr`);
}

/** mount(2) of a bind mount, including the mounts below the source unless `isShallow`. */
export function bindMount(source: string, target: string, { isShallow = false } = {}): void {
  call(MOUNT, source, target, null, MS_BIND | (isShallow ? 0 : MS_REC), null);
}

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;

/** Which mounts a call applies to. */
export interface Depth {
  /** Whether to include all mounts below. */
  isDeep: boolean;
}

/** MOUNT_ATTR_RDONLY and so on of mount_setattr(2). */
const LIMITS = { readOnly: 1n, noSetIds: 2n, noDevices: 4n, noPrograms: 8n, noLinks: 0x200000n } as const;

/** Restrictions of a mount; `noLinks`: symbolic links in paths are not followed. */
export type MountLimit = keyof typeof LIMITS;

/**
 * mount_setattr(2): restricts the mount whose root is `file`, a descriptor or a path. Linux 5.12; `noLinks` 5.14.
 */
export function limitMount(file: number | string, limits: readonly MountLimit[], depth: Depth): void {
  setAttributes(
    file,
    limits.reduce((sum, limit) => sum | LIMITS[limit], 0n),
    0,
    depth,
  );
}

/** Makes a mount read-only: `limitMount`. */
export function makeReadOnly(file: number | string, depth: Depth): void {
  limitMount(file, ['readOnly'], depth);
}

/** mount(2) of an empty tmpfs, for mount points. */
export function mountTmpfs(target: string): void {
  const MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
  call(MOUNT, 'tmpfs', target, 'tmpfs', MS_NOSUID_NODEV_NOEXEC, 'mode=755');
}

/**
 * Makes the mount at the working directory the root of this mount namespace, and unmounts the old root: pivot_root(2),
 * "pivot_root(".", ".")".
 */
export function pivotRoot(): void {
  call('int pivot_root(const char *new_root, const char *old_root)', '.', '.');
  unmount('.');
  process.chdir('/');
}

/**
 * Shifts the owners of a detached mount's files as a user namespace maps them (mount_setattr(2), MOUNT_ATTR_IDMAP).
 * Only for root of the initial user namespace, and not on every file system.
 * @param users descriptor of the user namespace
 */
export function shiftIds(fd: number, users: number, depth: Depth): void {
  const MOUNT_ATTR_IDMAP = 0x100000n;
  setAttributes(fd, MOUNT_ATTR_IDMAP, users, depth);
}

function setAttributes(file: number | string, set: bigint, users: number, { isDeep }: Depth): void {
  const MOUNT_SETATTR = 442; // the same on every architecture, like those below
  const attributes = Buffer.alloc(32); // struct mount_attr
  attributes.writeBigUInt64LE(set, 0);
  attributes.writeBigUInt64LE(BigInt(users), 24);
  const prototype =
    'long syscall(long number, int fd, const char *path, unsigned int flags, void *attributes, size_t size)';
  const flags = AT_EMPTY_PATH | (isDeep ? AT_RECURSIVE : 0);
  const place = typeof file === 'number' ? ([file, ''] as const) : ([AT_FDCWD, file] as const);
  call(prototype, MOUNT_SETATTR, ...place, flags, attributes, attributes.length);
}

/** open_tree(2): a detached copy of the mount at `path`. Returns a descriptor, which the caller must close. */
export function copyMount(path: string, { isDeep }: Depth): number {
  const OPEN_TREE = 428;
  const OPEN_TREE_CLONE = 1;
  const O_CLOEXEC = 0o2000000;
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | (isDeep ? AT_RECURSIVE : 0);
  return call(
    'long syscall(long number, int fd, const char *path, unsigned int flags)',
    OPEN_TREE,
    AT_FDCWD,
    path,
    flags,
  );
}

/** move_mount(2): attaches a detached mount. */
export function attachMount(fd: number, target: string): void {
  const MOVE_MOUNT = 429;
  const MOVE_MOUNT_F_EMPTY_PATH = 4;
  const MOVE_MOUNT_T_SYMLINKS = 0x10;
  const prototype =
    'long syscall(long number, int from, const char *path, int to, const char *target, unsigned int flags)';
  call(prototype, MOVE_MOUNT, fd, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

/** Mount points at or below a directory in this mount namespace, the latest first: proc_pid_mountinfo(5). */
export function mountsBelow(path: string): string[] {
  const folder = realpathSync(path);
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((place) => place === folder || place.startsWith(`${folder}/`))
    .map((place) => path + place.slice(folder.length))
    .reverse();
}

export function unescaped(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_all, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

/** umount2(2) of the latest mount on `target`, with MNT_DETACH. */
export function unmount(target: string): void {
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  call('int umount2(const char *target, int flags)', target, MNT_DETACH | UMOUNT_NOFOLLOW);
}
