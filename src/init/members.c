/* The processes of a container that shares its PID namespace with the other containers of a pod. Its orphans become children of the
 * pod's PID 1, so the process tree does not tell whose they are. But each container has a mount namespace of its own. */
#include "init.h"

#include <asm/stat.h>
#include <linux/fcntl.h>

static u64 device, inode; /* of the container's mount namespace: namespaces(7). 0: not known */
static int held = -1;     /* it, from outside: otherwise a new container's could get its number as soon as it has gone */

/* Whether the process is in the mount namespace that is known. Notes it with `notes`. */
static int look(int proc, const char *pid, int notes) {
  char path[40];
  struct stat info;
  append(append(path, pid), "/ns/mnt");
  if (SYSCALL4(__NR_newfstatat, proc, path, &info, 0) < 0) return 0;
  if (notes) device = info.st_dev, inode = info.st_ino;
  return info.st_dev == device && info.st_ino == inode;
}

/* In a process of the container, which can trust its /proc only before another one runs. */
void members_open(void) { look(FD_PROC, "thread-self", 1); }

static void forget(void) {
  if (held >= 0) sys_close(held);
  held = -1, inode = 0;
}

/* From outside. `pid`: a process of the container. */
void members_note(int pid) {
  char path[40];
  struct stat info;
  append(append_number(append(path, "/proc/"), (u64)pid), "/ns/mnt");
  forget();
  held = (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (held >= 0 && SYSCALL2(__NR_fstat, held, &info) == 0) device = info.st_dev, inode = info.st_ino;
}

static int is_number(const char *text) {
  for (const char *at = text; *at; at++)
    if (*at < '0' || *at > '9' || at - text > 9) return 0;
  return 1;
}

/* Visits all processes of the container but the caller. `proc` is open for reading. Returns how many there are. */
int members_visit(int proc, void (*visit)(int pid)) {
  char buffer[2048] __attribute__((aligned(8)));
  int found = 0;
  long own = sys_getpid(), size;
  if (!inode) return 0;
  SYSCALL3(__NR_lseek, proc, 0, 0);
  while ((size = SYSCALL3(__NR_getdents64, proc, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < size;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      at += entry->size;
      if (!is_number(entry->name)) continue;
      int pid = (int)read_number(entry->name);
      if (pid == own || !look(proc, entry->name, 0)) continue;
      found++;
      visit(pid);
    }
  }
  return found;
}

/* Its number may be another process's by now; with the pidfd open, it is the one that is looked at. */
static void kill_one(int pid) {
  char path[40];
  int pidfd = (int)SYSCALL2(__NR_pidfd_open, pid, 0);
  append_number(append(path, "/proc/"), (u64)pid);
  if (pidfd >= 0 && look(AT_FDCWD, path, 0)) SYSCALL4(__NR_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
  if (pidfd >= 0) sys_close(pidfd);
}

/* From outside: kills what is left of the container. Usually its own foster-init has done that. */
void members_kill(void) {
  long proc = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (proc < 0) return;
  for (int tries = 0; tries < 1000 && members_visit((int)proc, kill_one); tries++) sleep_ms(1);
  sys_close((int)proc);
  forget();
}
