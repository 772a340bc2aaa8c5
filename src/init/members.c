/* The processes of a container that shares its PID namespace with the other containers of a pod. Its orphans become children of the
 * pod's PID 1, so the process tree does not tell whose they are. But each container has a mount namespace of its own. */
#include "init.h"

#include <asm/stat.h>
#include <linux/fcntl.h>

static u64 device, inode; /* of the container's mount namespace: namespaces(7). 0: not known */

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

/* From outside. `pid`: a process of the container. */
void members_note(int pid) {
  char name[24];
  append_number(name, (u64)pid);
  long proc = sys_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  inode = 0;
  if (proc < 0) return;
  look((int)proc, name, 1);
  sys_close((int)proc);
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

static void kill_one(int pid) { sys_kill(pid, SIGKILL); }

/* From outside: kills what is left of the container. Usually its own foster-init has done that. */
void members_kill(void) {
  long proc = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (proc < 0) return;
  for (int tries = 0; tries < 1000 && members_visit((int)proc, kill_one); tries++) sleep_ms(1);
  sys_close((int)proc);
  inode = 0;
}
