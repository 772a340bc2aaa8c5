/* Operations that need a process in other namespaces: mapping ids from the user namespace above, making network interfaces. A
 * child that shares our memory joins the namespaces, does the work, and exits. */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/sched.h>

/* Writes to a file below /proc/PID. */
long write_proc_file(int pid, const char *file, const char *text) {
  char path[32];
  append_number(append(path, "/proc/"), (u64)pid);
  long folder = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return folder;
  long fd = sys_openat((int)folder, file, O_WRONLY | O_CLOEXEC, 0);
  sys_close((int)folder);
  if (fd < 0) return fd;
  long wrote = sys_write((int)fd, text, string_length(text));
  sys_close((int)fd);
  return wrote < 0 ? wrote : 0;
}

struct inside {
  int pidfd, pid;
  const char *file, *text;
  char *messages;
  u32 size;
  long outcome;
};

static void write_file(void *argument) {
  struct inside *inside = argument;
  inside->outcome = SYSCALL2(__NR_setns, inside->pidfd, CLONE_NEWUSER);
  if (!inside->outcome) inside->outcome = write_proc_file(inside->pid, inside->file, inside->text);
  sys_exit(0);
}

/* Sends one message, and returns the result that the kernel acknowledges: netlink(7). The sequence number, which we need for
 * nothing else, is an errno that does not count as a failure. */
static long send_message(int socket, const struct nlmsghdr *message) {
  struct { struct nlmsghdr head; s32 error; char rest[44]; } answer;
  long size = SYSCALL6(__NR_sendto, socket, message, message->nlmsg_len, 0, NULL, 0);
  if (size < 0) return size;
  size = SYSCALL6(__NR_recvfrom, socket, &answer, sizeof answer, 0, NULL, NULL);
  if (size < 0) return size;
  if (size < 20 || answer.head.nlmsg_type != NLMSG_ERROR) return -EPROTO;
  return answer.error == -(s32)message->nlmsg_seq ? 0 : answer.error;
}

/* Sends rtnetlink(7) messages, one after the other, in our network namespace. Each must request an acknowledgement. */
long send_netlink(const char *messages, u32 size) {
  long socket = SYSCALL3(__NR_socket, AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_ROUTE), outcome = socket < 0 ? socket : 0;
  for (u32 at = 0, left; !outcome && (left = size - at) >= sizeof(struct nlmsghdr);) {
    const struct nlmsghdr *message = (const struct nlmsghdr *)(messages + at);
    if (message->nlmsg_len < sizeof *message || message->nlmsg_len > left) outcome = -EINVAL;
    else outcome = send_message((int)socket, message);
    at += (message->nlmsg_len + 3) & ~3U;
    if (at > size) break;
  }
  if (socket >= 0) sys_close((int)socket);
  return outcome;
}

static void send_messages(void *argument) {
  struct inside *inside = argument;
  inside->outcome = SYSCALL2(__NR_setns, inside->pidfd, CLONE_NEWUSER | CLONE_NEWNET);
  if (!inside->outcome) inside->outcome = send_netlink(inside->messages, inside->size);
  sys_exit(0);
}

static long run_inside(void (*work)(void *), struct inside *inside) {
  long error = run_in_child(0, work, inside);
  return error ? error : inside->outcome;
}

/* Like write_proc_file, but a process in the user namespace of `pidfd` does it. */
long write_from_inside(int pidfd, int pid, const char *file, const char *text) {
  return run_inside(write_file, &(struct inside){.pidfd = pidfd, .pid = pid, .file = file, .text = text, .outcome = -ESRCH});
}

/* Like send_netlink, in the network namespace of the process of `pidfd`. */
long send_netlink_inside(int pidfd, char *messages, u32 size) {
  return run_inside(send_messages, &(struct inside){.pidfd = pidfd, .messages = messages, .size = size, .outcome = -ESRCH});
}

static void open_network(void *argument) {
  struct inside *inside = argument;
  inside->outcome = SYSCALL2(__NR_setns, inside->pidfd, CLONE_NEWUSER | CLONE_NEWNET);
  if (!inside->outcome) inside->outcome = sys_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
  sys_exit(0);
}

/* Opens the network namespace of the process of `pidfd`, without its PID, which might be another process's by now. The child
 * shares our descriptors. */
long open_network_inside(int pidfd) {
  struct inside inside = {.pidfd = pidfd, .outcome = -ESRCH};
  long error = run_in_child(CLONE_FILES, open_network, &inside);
  return error ? error : inside.outcome;
}

static void open_mount(void *argument) {
  struct inside *inside = argument;
  inside->outcome = SYSCALL2(__NR_setns, inside->pidfd, CLONE_NEWNS);
  if (!inside->outcome)
    inside->outcome = SYSCALL3(__NR_open_tree, AT_FDCWD, inside->file, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  sys_exit(0);
}

/* A detached copy of a mount in the mount namespace of the process of `pidfd`, which is in our user namespace. We could not return
 * to our own mount namespace, which belongs to another one, so a child enters. It shares our descriptors. */
long open_mount_inside(int pidfd, const char *path) {
  struct inside inside = {.pidfd = pidfd, .file = path, .outcome = -ESRCH};
  long error = run_in_child(CLONE_FILES, open_mount, &inside);
  return error ? error : inside.outcome;
}

long open_user_namespace(int pid) {
  char path[48];
  append(append_number(append(path, "/proc/"), (u64)pid), "/ns/user");
  return sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}
