/* Whether a container is alive: its lock and its processes say so, as in src/container/store.ts and docs/state.md. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/time.h>

/* Reads a small file, which must be text. Returns its size; 0 if there is none. */
static long read_small(int folder, const char *name, char *to, size_t size) {
  int file = (int)sys_openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  long length = file < 0 ? 0 : sys_read(file, to, size - 1);
  if (file >= 0) sys_close(file);
  if (length < 0) length = 0;
  to[length] = 0;
  return length;
}

/* The next number of a line, and the character after it. NULL if there is another one, or the number has more digits. */
static const char *take_number(char **at, long most, char end) {
  const char *start = *at;
  char *stop = *at;
  while (*stop >= '0' && *stop <= '9') stop++;
  if (stop == start || stop - start > most || *stop != end) return NULL;
  *stop = 0, *at = stop + 1;
  return start;
}

static s64 value_of(const char *digits) {
  s64 value = 0;
  for (; *digits; digits++) value = value * 10 + (*digits - '0');
  return value;
}

/* The file `live`: "PID PIDSTART MONITOR STARTED RESTARTS". Returns 0 if there is none that is whole. */
int read_live(int folder, struct live *live) {
  char line[160], *at = line;
  read_small(folder, "live", line, sizeof line);
  const char *pid = take_number(&at, 9, ' '), *start = pid ? take_number(&at, STAT_FIELD_SIZE - 1, ' ') : NULL;
  const char *monitor = start ? take_number(&at, 9, ' ') : NULL, *started = monitor ? take_number(&at, 15, ' ') : NULL;
  if (!started || !take_number(&at, 10, '\n') || *at) return 0;
  live->pid = (int)read_number(pid), live->monitor = (int)read_number(monitor), live->started = value_of(started);
  append(live->start, start);
  return live->pid > 0 && live->monitor > 0;
}

/* The file `exit`: "CODE ENDED". Returns the code; NO_EXIT if there is no such file, DAMAGED_EXIT if it says something else. */
int read_exit(int folder) {
  char line[64], *at = line;
  if (!read_small(folder, "exit", line, sizeof line)) return exists(folder, "exit") ? DAMAGED_EXIT : NO_EXIT;
  const char *code = take_number(&at, 3, ' ');
  return code && take_number(&at, 15, '\n') && !*at ? (int)value_of(code) : DAMAGED_EXIT;
}

/* After a reboot, another process may have both its pid and its start. Changes of the clock are tolerated. */
static int is_since_boot(s64 started) {
  enum { CLOCK_SLACK = 60000 };
  s64 up[2] = {0, 0};
  SYSCALL2(__NR_clock_gettime, CLOCK_BOOTTIME, up);
  return started >= clock_ms() - up[0] * 1000 - CLOCK_SLACK;
}

/* Opens PID 1 and its pidfd. Returns whether it is alive, and still the process that `live` names. */
int open_init(struct target *target) {
  struct live live;
  if (!read_live(target->folder, &live) || !is_since_boot(live.started)) return 0;
  target->pid = live.pid;
  target->pidfd = (int)SYSCALL2(__NR_pidfd_open, live.pid, 0);
  if (target->pidfd < 0 || is_running_process(live.pid, live.start)) return target->pidfd >= 0;
  return sys_close(target->pidfd), 0;
}

/* Such a process may not have its namespaces any more. */
int is_exiting(int pid) {
  enum { PF_EXITING = 4 };
  char buffer[PROCESS_STAT_SIZE], flags[STAT_FIELD_SIZE];
  const char *stat = read_process_stat(pid, buffer);
  if (!stat) return 1;
  copy_stat_field(stat, STAT_FLAGS, flags);
  return (read_number(flags) & PF_EXITING) != 0;
}

/* Whether it is PID 1 of a namespace of its own, so that all other processes there end with it. */
int is_namespace_init(int pid) {
  static const char name[] = "\nNSpid:";
  char path[48], text[4096];
  append(append_number(append(path, "/proc/"), (u64)pid), "/status");
  if (!read_small(AT_FDCWD, path, text, sizeof text)) return 0;
  for (const char *at = text; *at; at++) {
    u32 same = 0;
    while (same < sizeof name - 1 && at[same] == name[same]) same++;
    if (same < sizeof name - 1) continue;
    const char *end = at + 1;
    while (*end && *end != '\n') end++;
    return end[-1] == '1' && end[-2] == '\t' && end[-3] >= '0' && end[-3] <= '9';
  }
  return 0;
}

/* Whether a process has this folder open: a monitor has, and a later process with its pid has not. */
static int has_open(int pid, int folder) {
  static char buffer[4096] __attribute__((aligned(8)));
  char path[48];
  struct stat wanted, info;
  append(append_number(append(path, "/proc/"), (u64)pid), "/fd");
  int list = (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), found = 0;
  if (list < 0 || SYSCALL2(__NR_fstat, folder, &wanted) < 0) return 0;
  for (long size; !found && (size = SYSCALL3(__NR_getdents64, list, buffer, sizeof buffer)) > 0;) {
    for (long at = 0; at < size && !found; at += ((struct entry *)(buffer + at))->size) {
      const char *name = ((struct entry *)(buffer + at))->name;
      found = SYSCALL4(__NR_newfstatat, list, name, &info, 0) >= 0 && info.st_ino == wanted.st_ino && info.st_dev == wanted.st_dev;
    }
  }
  return sys_close(list), found;
}

int has_monitor(int folder) {
  struct live live;
  return read_live(folder, &live) && has_open(live.monitor, folder);
}

/* A pidfd of the monitor; -1 if there is none. */
int open_monitor(int folder) {
  struct live live;
  if (!read_live(folder, &live)) return -1;
  int pidfd = (int)SYSCALL2(__NR_pidfd_open, live.monitor, 0);
  if (pidfd >= 0 && !has_open(live.monitor, folder)) sys_close(pidfd), pidfd = -1;
  return pidfd;
}

/* A monitor in the foreground stops with its container (Ctrl-Z). */
int is_monitor_stopped(int folder) {
  char buffer[PROCESS_STAT_SIZE], state[STAT_FIELD_SIZE];
  struct live live;
  const char *stat = read_live(folder, &live) ? read_process_stat(live.monitor, buffer) : NULL;
  if (!stat) return 0;
  copy_stat_field(stat, STAT_STATE, state);
  return *state == 'T';
}

static int open_lock(const struct target *target) {
  char path[ID_SIZE + 16];
  append(append(path, "locks/"), target->id);
  return (int)sys_openat(target->data, path, O_RDWR | O_APPEND | O_CLOEXEC, 0600);
}

/* Whether a process holds its lock: a command that works on it, or its monitor. */
static int is_lock_held(const struct target *target) {
  struct flock lock = {.l_type = F_WRLCK};
  int file = open_lock(target);
  if (file < 0) return 0;
  long error = SYSCALL3(__NR_fcntl, file, F_OFD_GETLK, &lock);
  sys_close(file);
  return error < 0 || lock.l_type != F_UNLCK;
}

/* Whether its PID 1 or its monitor is alive. Normally the monitor then has the lock, but its file may have been removed. */
static int is_attended(const struct target *target) {
  struct target now = *target;
  if (open_init(&now)) return sys_close(now.pidfd), 1;
  return has_monitor(target->folder);
}

int is_locked(const struct target *target) { return is_lock_held(target) || is_attended(target); }

/* Takes the lock of a container that is not alive, without a wait. Returns its descriptor, or -1. The file stays, so it must be
 * the one with that name when we have it. */
int hold_lock(const struct target *target) {
  struct stat info;
  int file = open_lock(target);
  if (file < 0) return -1;
  if (lock_file(file, F_WRLCK) && SYSCALL2(__NR_fstat, file, &info) == 0 && info.st_nlink > 0 && !is_attended(target)) return file;
  return sys_close(file), -1;
}
