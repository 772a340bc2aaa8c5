import { call } from './ffi.js';

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_PRIVATE = 1 << 18;

const MOUNT =
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)';

/** What this mount namespace does from now on stays in it: mount_namespaces(7), "Shared subtrees". */
export function makeMountsPrivate(): void {
  call(MOUNT, null, '/', null, MS_REC | MS_PRIVATE, null);
}

/**
 * mount(2) of an overlay as containers have it. The folders must have neither comma nor colon in their names:
 * /proc/self/fd/N has not. `lower` are one or more, the uppermost first; without `upper`, at least two, and it is
 * read-only.
 */
export function mountOverlay(
  target: string,
  { lower, upper }: { lower: readonly string[]; upper?: { folder: string; work: string } },
): void {
  const writable = upper === undefined ? '' : `,upperdir=${upper.folder},workdir=${upper.work}`;
  call(MOUNT, 'overlay', target, 'overlay', 0, `lowerdir=${lower.join(':')}${writable},userxattr`);
}

/** Mounts a file or directory in another place too, with all that is mounted below it. */
export function bindMount(source: string, target: string): void {
  call(MOUNT, source, target, null, MS_BIND | MS_REC, null);
}

const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;

/** How much of a mount is meant. */
export interface Depth {
  /** All that is mounted below, too. */
  isDeep: boolean;
}

/** mount_setattr(2): makes the mount that `fd` is the root of read-only. Linux 5.12. */
export function makeReadOnly(fd: number, depth: Depth): void {
  const MOUNT_ATTR_RDONLY = 1n;
  setAttributes(fd, MOUNT_ATTR_RDONLY, 0, depth);
}

/**
 * Shifts the ids of a detached mount's files as a user namespace maps them (mount_setattr(2), MOUNT_ATTR_IDMAP): for
 * root of the initial user namespace alone, and not on every file system.
 * @param users descriptor of the user namespace
 */
export function shiftIds(fd: number, users: number, depth: Depth): void {
  const MOUNT_ATTR_IDMAP = 0x100000n;
  setAttributes(fd, MOUNT_ATTR_IDMAP, users, depth);
}

function setAttributes(fd: number, set: bigint, users: number, { isDeep }: Depth): void {
  const MOUNT_SETATTR = 442; // the same on every architecture, as those below
  const attributes = Buffer.alloc(32); // struct mount_attr
  attributes.writeBigUInt64LE(set, 0);
  attributes.writeBigUInt64LE(BigInt(users), 24);
  const prototype =
    'long syscall(long number, int fd, const char *path, unsigned int flags, void *attributes, size_t size)';
  const flags = AT_EMPTY_PATH | (isDeep ? AT_RECURSIVE : 0);
  call(prototype, MOUNT_SETATTR, fd, '', flags, attributes, attributes.length);
}

/** open_tree(2): a copy of the mount at `path` that is attached nowhere. A descriptor, to be closed. */
export function copyMount(path: string, { isDeep }: Depth): number {
  const OPEN_TREE = 428;
  const OPEN_TREE_CLONE = 1;
  const O_CLOEXEC = 0o2000000;
  const AT_FDCWD = -100;
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | (isDeep ? AT_RECURSIVE : 0);
  return call(
    'long syscall(long number, int fd, const char *path, unsigned int flags)',
    OPEN_TREE,
    AT_FDCWD,
    path,
    flags,
  );
}

/** move_mount(2): attaches a detached mount in a place. */
export function attachMount(fd: number, target: string): void {
  const MOVE_MOUNT = 429;
  const MOVE_MOUNT_F_EMPTY_PATH = 4;
  const MOVE_MOUNT_T_SYMLINKS = 0x10;
  const AT_FDCWD = -100;
  const prototype =
    'long syscall(long number, int from, const char *path, int to, const char *target, unsigned int flags)';
  call(prototype, MOVE_MOUNT, fd, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

/** umount2(2) of what was mounted last on `target`, which goes when nobody uses it any more. */
export function unmount(target: string): void {
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  call('int umount2(const char *target, int flags)', target, MNT_DETACH | UMOUNT_NOFOLLOW);
}
