/* Provides the root filesystem of a container with fuse-overlayfs: mounts it in the namespaces of the container's PID 1, which
 * waits meanwhile, and becomes fuse-overlayfs. The program is in the container's user namespace, so that it has the same rights
 * to files as the container's root, and no more. It is not in its PID namespace, where the container's root could reach
 * the host's files through /proc/PID/root. And it has a mount namespace of its own, so that it never sees, and never loads,
 * a file of the container. Only the container holds the mount: when the container ends, the program ends. */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#define MNT_DETACH 2

/* A failure is reported on FD_CONTROL, with one of STORAGE_* as index; FD_CONTROL closes when the program is executed. */
enum { FD_FUSE = 4, FD_OWN = FD_PROGRAM + 1, FD_LAYERS };

static _Noreturn void fail(u32 part, long error) {
  report(REPORT_FAILED, part, -error, 0, NULL);
  sys_exit(125);
}

static long check(u32 part, long result) {
  if (result < 0) fail(part, result);
  return result;
}

static void open_as(u32 part, const char *path, int flags, int target) {
  int fd = (int)check(part, sys_openat(AT_FDCWD, path, flags | O_CLOEXEC, 0));
  if (fd == target) return;
  SYSCALL3(__NR_dup3, fd, target, O_CLOEXEC);
  sys_close(fd);
}

static long mount_fuse(u64 uid, u64 gid, unsigned long flags) {
  char options[120];
  char *end = append_number(append(options, "fd=4,rootmode=40000,default_permissions,allow_other,user_id="), uid);
  append_number(append(end, ",group_id="), gid);
  return SYSCALL5(__NR_mount, "fuse-overlayfs", "root", "fuse.fuse-overlayfs", flags, options);
}

/* Mounts made from now on do not propagate to other mount namespaces: mount_namespaces(7), "Shared subtrees". */
static void make_mounts_private(void) {
  check(STORAGE_VIEW, SYSCALL5(__NR_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* Called before we become the container's root, which may not be allowed to enter the folders above. */
static void mount_root(const char *container, int is_read_only) {
  unsigned long flags = MS_NOATIME | (is_read_only ? MS_RDONLY : 0);
  check(STORAGE_FOLDER, SYSCALL1(__NR_chdir, container));
  long error = mount_fuse(0, 0, flags);
  if (error == -EINVAL) /* id 0 is not mapped there (--userns keep-id with a single id) */
    error = mount_fuse((u64)SYSCALL0(__NR_getuid), (u64)SYSCALL0(__NR_getgid), flags);
  check(STORAGE_MOUNT, error);
}

static void become_root(void) {
  SYSCALL2(__NR_setgroups, 0, NULL); /* not allowed if only one id is mapped: user_namespaces(7) */
  if (SYSCALL3(__NR_setresgid, 0, 0, 0) < 0 || SYSCALL3(__NR_setresuid, 0, 0, 0) < 0) keep_capabilities();
}

/* Binds the directory to a path without commas and colons that the container's root can reach. (fuse-overlayfs resolves
 * /proc/self/fd/N.) */
static void bind(int fd, const char *place) {
  char source[40];
  append_number(append(source, "/proc/self/fd/"), (u64)fd);
  check(STORAGE_VIEW, SYSCALL3(__NR_mkdirat, AT_FDCWD, place, 0700));
  long error = SYSCALL5(__NR_mount, source, place, NULL, MS_BIND, NULL);
  /* Mounts below a directory that is given as root are locked together with it: mount_namespaces(7), "locked". */
  if (error == -EINVAL) error = SYSCALL5(__NR_mount, source, place, NULL, MS_BIND | MS_REC, NULL);
  check(STORAGE_VIEW, error);
}

static const char *const own = "/tmp/own";

/* Binds all layers in our own mount namespace. `options` has room for their paths. */
static void make_view(int layers, int is_read_only, char *options) {
  char place[40], *end = append(options, "lowerdir=");
  check(STORAGE_VIEW, SYSCALL5(__NR_mount, "tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"));
  for (int i = 0; i < layers; i++) {
    append_number(append(place, "/tmp/"), (u64)i);
    bind(FD_LAYERS + i, place);
    if (i) end = append(end, ":");
    end = append(end, place);
  }
  if (is_read_only) return;
  bind(FD_OWN, own);
  check(STORAGE_VIEW, SYSCALL1(__NR_chdir, own));
  static const char *const names[] = {"upper", "work"};
  for (int i = 0; i < 2; i++) {
    long error = SYSCALL3(__NR_mkdirat, AT_FDCWD, names[i], 0755);
    if (error != -EEXIST) check(STORAGE_FOLDER, error);
  }
  append(end, ",upperdir=/tmp/own/upper,workdir=/tmp/own/work");
}

/* argv: our name, "storage", FLAGS, PROGRAM, CONTAINER, LAYER... FLAGS: 'm' join the mount namespace of the process of
 * FD_PIDFD, 'u' its user namespace too, 'r' read-only, 'd' end when our parent ends. Paths are of the host. */
int run_storage(int argc, char **argv) {
  int is_read_only = 0, joins = 0, dies = 0, layers = argc - 5;
  if (layers < 1 || layers > MAX_LAYERS) fail(STORAGE_LAYER, -E2BIG);
  for (const char *letter = argv[2]; *letter; letter++) {
    if (*letter == 'r') is_read_only = 1;
    if (*letter == 'm') joins |= CLONE_NEWNS;
    if (*letter == 'u') joins |= CLONE_NEWUSER;
    if (*letter == 'd') dies = 1;
  }
  SYSCALL0(__NR_setsid); /* a Ctrl-C at the terminal must not reach us: the container still needs its files */
  sys_close_range(joins ? FD_PIDFD + 1 : FD_CONTROL + 1);
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  if (joins) check(STORAGE_JOIN, SYSCALL2(__NR_setns, FD_PIDFD, joins));
  SYSCALL2(__NR_prctl, PR_SET_DUMPABLE, 0); /* so that root in the container cannot trace us */
  sys_close(FD_PIDFD);
  int fuse = (int)check(STORAGE_DEVICE, sys_openat(AT_FDCWD, "/dev/fuse", O_RDWR, 0));
  if (fuse != FD_FUSE) {
    SYSCALL3(__NR_dup3, fuse, FD_FUSE, 0);
    sys_close(fuse);
  }
  if (joins) make_mounts_private();
  mount_root(argv[4], is_read_only);
  check(STORAGE_VIEW, SYSCALL1(__NR_unshare, CLONE_NEWNS));
  make_mounts_private();
  SYSCALL2(__NR_umount2, "root", MNT_DETACH);
  open_as(STORAGE_PROGRAM, argv[3], O_PATH, FD_PROGRAM);
  open_as(STORAGE_FOLDER, argv[4], O_PATH | O_DIRECTORY, FD_OWN);
  for (int i = 0; i < layers; i++) open_as(STORAGE_LAYER, argv[5 + i], O_PATH | O_DIRECTORY, FD_LAYERS + i);
  become_root();
  if (dies) {
    SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd parent = {.fd = FD_CONTROL};
    s64 now[2] = {0, 0};
    SYSCALL5(__NR_ppoll, &parent, 1, now, NULL, 8);
    if (parent.revents & POLLHUP) sys_exit(125);
  }
  char options[24 + 12 * MAX_LAYERS + 48];
  make_view(layers, is_read_only, options);
  SYSCALL1(__NR_chdir, "/");
  sys_block_signals(0);
  const char *arguments[] = {"fuse-overlayfs", "-f", "-o", options, "/dev/fd/4", NULL}, *environment[] = {NULL};
  fail(STORAGE_PROGRAM, SYSCALL5(__NR_execveat, FD_PROGRAM, "", arguments, environment, AT_EMPTY_PATH));
}
