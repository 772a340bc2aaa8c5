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

/** mount_setattr(2): makes the mount that `fd` is the root of read-only; `isDeep`: all mounted below it, too. Linux 5.12. */
export function makeReadOnly(fd: number, options: { isDeep: boolean }): void {
  const MOUNT_SETATTR = 442; // the same on every architecture
  const AT_EMPTY_PATH = 0x1000;
  const AT_RECURSIVE = 0x8000;
  const MOUNT_ATTR_RDONLY = 1n;
  const attributes = Buffer.alloc(32); // struct mount_attr
  attributes.writeBigUInt64LE(MOUNT_ATTR_RDONLY, 0);
  const prototype =
    'long syscall(long number, int fd, const char *path, unsigned int flags, void *attributes, size_t size)';
  call(
    prototype,
    MOUNT_SETATTR,
    fd,
    '',
    AT_EMPTY_PATH | (options.isDeep ? AT_RECURSIVE : 0),
    attributes,
    attributes.length,
  );
}

/** umount2(2) of what was mounted last on `target`, which goes when nobody uses it any more. */
export function unmount(target: string): void {
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  call('int umount2(const char *target, int flags)', target, MNT_DETACH | UMOUNT_NOFOLLOW);
}
