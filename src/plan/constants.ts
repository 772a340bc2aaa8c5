/** Flags of the system calls in plans, by the kernel's names and values (linux/*.h). */

/** mount(2) */
export const MS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_REMOUNT: 32,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_UNBINDABLE: 0x20000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
  MS_RELATIME: 0x200000,
  MS_STRICTATIME: 0x1000000,
} as const;

/** open(2), openat2(2) */
export const O = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: process.arch === 'arm64' ? 0o40000 : 0o200000,
  O_NOFOLLOW: process.arch === 'arm64' ? 0o100000 : 0o400000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
} as const;

/** openat2(2), struct open_how */
export const RESOLVE = {
  RESOLVE_NO_MAGICLINKS: 0x02,
  RESOLVE_NO_SYMLINKS: 0x04,
  RESOLVE_BENEATH: 0x08,
  RESOLVE_IN_ROOT: 0x10,
} as const;

/** open_tree(2), move_mount(2), fsmount(2), mount_setattr(2) */
export const AT = {
  AT_EMPTY_PATH: 0x1000,
  AT_REMOVEDIR: 0x200,
  AT_RECURSIVE: 0x8000,
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: 0o2000000,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  FSOPEN_CLOEXEC: 1,
  FSMOUNT_CLOEXEC: 1,
} as const;

/** Attributes of mount_setattr(2) and fsmount(2) */
export const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY: 1,
  MOUNT_ATTR_NOSUID: 2,
  MOUNT_ATTR_NODEV: 4,
  MOUNT_ATTR_NOEXEC: 8,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  /** The bit field of the two before: none of them is relatime. */
  MOUNT_ATTR__ATIME: 0x70,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

/** statfs(2) */
export const FILE_SYSTEMS = {
  PROC_SUPER_MAGIC: 0x9fa0,
  DEVPTS_SUPER_MAGIC: 0x1cd1,
} as const;

/** umount2(2) */
export const UMOUNT = { MNT_DETACH: 2, UMOUNT_NOFOLLOW: 8 } as const;

/** clone(2), unshare(2), setns(2) */
export const CLONE = {
  CLONE_NEWTIME: 0x80, // not of clone(2), where it is part of the exit signal
  CLONE_NEWNS: 0x00020000,
  CLONE_NEWCGROUP: 0x02000000,
  CLONE_NEWUTS: 0x04000000,
  CLONE_NEWIPC: 0x08000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
} as const;
