/* Finds PID 1's adopted children in /proc. The kernel does not report that a process was orphaned, so PID 1 has to look:
 * every child except the user's process has lost its parent. */
#include "init.h"

#include <linux/fcntl.h>

struct orphan {
  s32 pid;
  s64 since_ms;
  char name[16];
};

enum { MAX_ORPHANS = 256 }; /* more are reaped all the same, but not reported */
struct orphan orphans[MAX_ORPHANS] LARGE;
static u32 orphans_end; /* those from here on were never used, and take no memory */

static void move_descriptor(long from, int to) {
  if (from < 0 || from == to) return;
  SYSCALL3(__NR_dup3, from, to, O_CLOEXEC);
  sys_close((int)from);
}

/* Called before any process of the container runs, because one may mount something else on its /proc. */
void orphans_open(const struct plan *plan) {
  if (!(plan->flags & (PLAN_VERBOSE | PLAN_SHARED | PLAN_COUNTS))) return;
  move_descriptor(sys_openat(AT_FDCWD, "/proc/thread-self/children", O_RDONLY | O_CLOEXEC, 0), FD_CHILDREN);
  move_descriptor(sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), FD_PROC);
  if (plan->flags & PLAN_MEMBER) members_open();
}

void for_each_child(void (*visit)(int pid)) {
  char text[4096];
  long offset = 0, size;
  u32 pid = 0;
  while ((size = SYSCALL4(__NR_pread64, FD_CHILDREN, text, sizeof text, offset)) > 0) {
    offset += size;
    for (long i = 0; i < size; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (u32)(text[i] - '0');
      } else {
        if (pid) visit((int)pid);
        pid = 0;
      }
    }
  }
}

static void read_name(int pid, char name[16]) {
  char path[32];
  append(append_number(path, (u64)pid), "/comm");
  long fd = sys_openat(FD_PROC, path, O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, name, 15);
  if (fd >= 0) sys_close((int)fd);
  if (size > 0 && name[size - 1] == '\n') size--;
  name[size > 0 ? size : 0] = 0;
}

static struct orphan *find(int pid) {
  for (u32 i = 0; i < orphans_end; i++)
    if (orphans[i].pid == pid) return &orphans[i];
  return NULL;
}

static struct orphan *find_place(void) {
  struct orphan *place = find(0);
  return place || orphans_end == MAX_ORPHANS ? place : &orphans[orphans_end++];
}

static int watched_main;

static void adopt(int pid) {
  if (pid == watched_main || find(pid)) return;
  struct orphan *place = find_place();
  if (!place) return;
  *place = (struct orphan){.pid = pid, .since_ms = now_ms()};
  read_name(pid, place->name);
  report(REPORT_ADOPTED, NO_STEP, pid, 0, place->name);
}

void orphans_find(int main_child) {
  watched_main = main_child;
  for_each_child(adopt);
}

/* A child that ended before PID 1 has seen it was adopted too. */
void orphans_record_zombie(int pid, int main_child) {
  watched_main = main_child;
  adopt(pid);
}

void orphans_report_reaped(int pid, int status) {
  struct orphan *orphan = find(pid);
  if (!orphan) return;
  report(REPORT_REAPED, (u32)(now_ms() - orphan->since_ms), pid, status, orphan->name);
  orphan->pid = 0;
}
