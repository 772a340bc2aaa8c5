/* Mounts that are made outside of a container for its PID 1, for both places that start one. In a user namespace nobody
 * may shift the ids of the host's files (mount_setattr(2), MOUNT_ATTR_IDMAP), so a detached copy of the mount is made
 * here, and handed over as a descriptor: PID 1 has only to attach it. */
#ifndef FOSTER_HAND_MOUNT_H
#define FOSTER_HAND_MOUNT_H

#include "sockets.h"
#include "wire.h"

#include <linux/fcntl.h>
#include <linux/mount.h>

/* SCM_RIGHTS with one descriptor: unix(7), cmsg(3). */
static long send_descriptor(int socket, int fd) {
  char byte = 0;
  struct { void *base; u64 size; } vector = {&byte, 1};
  struct { u64 size; u32 level, type; s32 fd, unused; } control = {20, SOL_SOCKET, SCM_RIGHTS, fd, 0};
  struct {
    void *name; u64 name_size; void *vectors; u64 vector_count; void *control; u64 control_size; u64 flags;
  } message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
  return SYSCALL3(__NR_sendmsg, socket, &message, MSG_NOSIGNAL);
}

static long shift_ids(int mount, int users, u64 attributes, int is_deep) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP | attributes, .userns_fd = (u64)users};
  return SYSCALL5(__NR_mount_setattr, mount, "", AT_EMPTY_PATH | (is_deep ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

/* Ids are shifted as `users`, a user namespace, maps them. Where the kernel or a file system cannot do that, the mount is
 * handed over as it is, unless it is needed otherwise. Returns -errno or one of HANDED_*. */
static long hand_mount(int socket, int users, const char *path, u32 flags) {
  int is_deep = (flags & HANDED_DEEP) != 0, outcome = HANDED_WHOLE;
  long mount = SYSCALL3(__NR_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (is_deep ? AT_RECURSIVE : 0));
  if (mount < 0) return mount;
  /* Who is root in the container owns the devices of root's that lie there. */
  u64 attributes = flags & HANDED_DEVICES ? 0 : MOUNT_ATTR_NODEV;
  long error = shift_ids((int)mount, users, attributes, is_deep);
  if (error < 0 && is_deep) { /* something is mounted below whose file system cannot do it */
    outcome = HANDED_TOP_ONLY;
    error = shift_ids((int)mount, users, attributes, 0);
  }
  if (error < 0) outcome = HANDED_PLAIN;
  long sent = error < 0 && flags & HANDED_NEEDED ? error : send_descriptor(socket, (int)mount);
  sys_close((int)mount);
  return sent < 0 ? sent : outcome;
}

#endif
