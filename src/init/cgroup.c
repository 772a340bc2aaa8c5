/* The cgroup of a container: host steps of the kind HOST_CGROUP, their undo, and the count of OOM kills. Paths, files and
 * values are data: this file knows nothing about limits. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

enum {
  TRIES = 5000, TRY_NS = 1000000, /* at most five seconds for processes that are ending */
  DIRECTORY = 4,                  /* DT_DIR of readdir(3) */
  MAX_ROUNDS = 100,               /* a limit, in case processes fork faster than they are moved */
};

static void wait_a_moment(void) {
  s64 time[2] = {0, TRY_NS};
  SYSCALL5(__NR_ppoll, NULL, 0, time, NULL, 8);
}

static long open_folder(const char *path) { return sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0); }

/* f_type is the first field of struct statfs. */
static int is_cgroup(int fd) {
  s64 info[16];
  if (SYSCALL2(__NR_fstatfs, fd, info) < 0) return 0;
  return info[0] == CGROUP2_SUPER_MAGIC || info[0] == CGROUP_SUPER_MAGIC;
}

/* Opens a file in the cgroup `path`. Returns -EXDEV if that is not a cgroup. */
static long open_file(const char *path, const char *name, int flags) {
  long folder = open_folder(path);
  if (folder < 0) return folder;
  long file = sys_openat((int)folder, name, flags | O_NOFOLLOW | O_CLOEXEC, 0);
  sys_close((int)folder);
  if (file < 0 || is_cgroup((int)file)) return file;
  sys_close((int)file);
  return -EXDEV;
}

long cgroup_write(const char *path, const char *name, const char *text) {
  long file = open_file(path, name, O_WRONLY);
  if (file < 0) return file;
  long wrote = sys_write((int)file, text, string_length(text));
  sys_close((int)file);
  return wrote < 0 ? wrote : 0;
}

static long enter(const char *path, u64 pid) {
  char number[24];
  append_number(number, pid);
  return cgroup_write(path, "cgroup.procs", number);
}

static long remove_folder(const char *path) { return SYSCALL3(__NR_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); }

struct dirent64 {
  u64 inode, offset;
  unsigned short size;
  u8 type;
  char name[];
};

/* The name of the first cgroup below an open one, in `buffer`; NULL if there is none. */
static const char *first_below(int fd, char *buffer, size_t size) {
  SYSCALL3(__NR_lseek, fd, 0, 0);
  for (long got; (got = SYSCALL3(__NR_getdents64, fd, buffer, size)) > 0;) {
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
      if (entry->type == DIRECTORY && entry->name[0] != '.') return entry->name;
      if (entry->size < sizeof *entry) return NULL;
      at += entry->size;
    }
  }
  return NULL;
}

/* Removes the cgroups below one, the lowest first, without recursion: a container that may mount cgroups may have made some. */
static void remove_below(const char *path) {
  u64 buffer[512];
  int fd = (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  for (u32 depth = 0, failures = 0; fd >= 0 && failures < TRIES;) {
    const char *name = first_below(fd, (char *)buffer, sizeof buffer);
    if (!name && depth == 0) break;
    long error = name ? SYSCALL3(__NR_unlinkat, fd, name, AT_REMOVEDIR) : -EBUSY;
    if (error == 0) continue;
    if (error != -EBUSY && failures++ < TRIES) continue;
    int next = (int)sys_openat(fd, name ? name : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (name && next >= 0 && !first_below(next, (char *)buffer, sizeof buffer)) { /* its processes are still ending */
      sys_close(next), failures++;
      wait_a_moment();
      continue;
    }
    depth = name ? depth + 1 : depth - 1;
    sys_close(fd);
    fd = next;
  }
  if (fd >= 0) sys_close(fd);
}

/* Removes a cgroup, and waits for its processes to end. In version 2, it kills them first. */
void cgroup_remove(const char *path) {
  for (int i = 0; i < TRIES && remove_folder(path) == -EBUSY; i++) {
    if (i == 0) cgroup_write(path, "cgroup.kill", "1");
    remove_below(path);
    wait_a_moment();
  }
}

/* Makes a cgroup. If a killed monitor has left one behind, it is replaced, to get rid of its limits and counts. */
static long make(struct host_step *step, const char *path) {
  long error = SYSCALL3(__NR_mkdirat, AT_FDCWD, path, 0755);
  if (error == -EEXIST && step->detail & CGROUP_SHARED) return 0;
  if (error == -EEXIST) {
    cgroup_remove(path);
    error = SYSCALL3(__NR_mkdirat, AT_FDCWD, path, 0755);
  }
  if (error == 0) step->result = 1;
  return error;
}

/* The first number in the text; 0 if there is none. */
static u64 number_in(const char *text, long size) {
  u64 number = 0;
  for (long i = 0; i < size && text[i] >= '0' && text[i] <= '9'; i++) number = number * 10 + (u64)(text[i] - '0');
  return number;
}

/* Moves all processes of a cgroup to another one: in version 2, a cgroup that has processes cannot set limits for the cgroups
 * below it. Processes that end meanwhile are skipped. */
static long move_all(const char *from, const char *to) {
  for (int round = 0; round < MAX_ROUNDS; round++) {
    char text[4096];
    long file = open_file(from, "cgroup.procs", O_RDONLY);
    if (file < 0) return file;
    long size = sys_read((int)file, text, sizeof text);
    sys_close((int)file);
    if (size <= 0) return size;
    for (long at = 0, next; at < size; at = next) {
      for (next = at; next < size && text[next] != '\n'; next++) {}
      if (next == size) break; /* the number is cut off: the next round reads it */
      u64 pid = number_in(text + at, next++ - at);
      long error = pid ? enter(to, pid) : 0; /* 0: a process of another PID namespace */
      if (error < 0 && error != -ESRCH) return error;
    }
  }
  return -EBUSY;
}

/* Whether a line of /proc/PID/cgroup ends with the text. */
static int is_in(int pid, const char *wanted) {
  char path[32], text[4096];
  append(append_number(append(path, "/proc/"), (u64)pid), "/cgroup");
  long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, text, sizeof text - 1);
  if (fd >= 0) sys_close((int)fd);
  for (long start = 0, end; start < size; start = end + 1) {
    for (end = start; end < size && text[end] != '\n'; end++) {}
    text[end] = 0;
    if (string_equal(text + start, wanted)) return 1;
  }
  return 0;
}

/* Waits until systemd has moved the process. */
static long await(const struct host *host, const char *line) {
  for (int i = 0; i < 2 * TRIES; i++) {
    if (is_in(host->pid, line)) return 0;
    wait_a_moment();
  }
  return -ETIMEDOUT;
}

long cgroup_step(const struct host *host, struct host_step *step, const char *path) {
  const char *name = path + string_length(path) + 1;
  switch (step->detail & ~(u32)CGROUP_SHARED) {
    case CGROUP_MAKE:
      return make(step, path);
    case CGROUP_WRITE:
      return cgroup_write(path, name, name + string_length(name) + 1);
    case CGROUP_ENTER:
      return enter(path, (u64)host->pid);
    case CGROUP_MOVE_ALL:
      return move_all(path, name);
    default:
      return await(host, path);
  }
}

/* Removes a cgroup that a step has made. A shared one, a parent, is removed only if it is empty. */
void cgroup_undo(struct host_step *step, const char *path) {
  if (step->detail & CGROUP_SHARED) remove_folder(path);
  else cgroup_remove(path);
  step->result = 0;
}

/* Opens the file that counts OOM kills: memory.events (version 2) or memory.oom_control. */
long cgroup_open_oom(const char *path, const char *name) { return open_file(path, name, O_RDONLY); }

/* How many processes of the cgroup the kernel has killed because of its memory limit: the line `oom_kill N`. Returns -errno
 * if the cgroup is gone. */
s64 cgroup_oom_kills(int file) {
  static const char key[] = "oom_kill ";
  char text[512];
  long size = SYSCALL4(__NR_pread64, file, text, sizeof text, 0);
  if (size < 0) return size;
  for (long at = 0; at + (long)sizeof key <= size; at++) {
    long matched = 0;
    while (matched < (long)sizeof key - 1 && text[at + matched] == key[matched]) matched++;
    if (matched == (long)sizeof key - 1 && (at == 0 || text[at - 1] == '\n'))
      return (s64)number_in(text + at + matched, size - at - matched);
  }
  return 0;
}
