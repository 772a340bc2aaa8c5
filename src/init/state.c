/* State that the monitor writes to disk for other commands (docs/state.md). A file is written under another name and
 * renamed, so that it is complete or absent. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

/* Overwrites the content of `name` in place, which needs no new block on most filesystems. Returns -errno or 0. */
static long write_file(const char *name, const char *text, size_t size) {
  long fd = sys_openat(FD_DIRECTORY, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fd;
  long wrote = sys_write((int)fd, text, size);
  if (wrote == (long)size) SYSCALL2(__NR_ftruncate, fd, (long)size);
  sys_close((int)fd);
  return wrote == (long)size ? 0 : wrote < 0 ? wrote : -ENOSPC;
}

static long replace_file(const char *name, const char *temporary, const char *text, size_t size) {
  long error = write_file(temporary, text, size);
  if (error) return error;
  return SYSCALL5(__NR_renameat2, FD_DIRECTORY, temporary, FD_DIRECTORY, name, 0);
}

static char *append_field(char *to, u64 number, const char *end) { return append(append_number(to, number), end); }

static void state_exit(int code) {
  char text[48];
  char *end = append_field(append_field(text, (u64)code, " "), (u64)clock_ms(), "\n");
  replace_file("exit", "exit.new", text, (size_t)(end - text));
}

/* Also reserves space for `exit`, which must be written even if the disk is full by then. Returns -errno or 0. */
long state_live(int pid, u32 restarts) {
  char text[160], start[STAT_FIELD_SIZE];
  char *end = append_field(text, (u64)pid, " ");
  process_start(pid, start);
  end = append(append(end, start), " ");
  end = append_field(end, (u64)sys_getpid(), " ");
  end = append_field(append_field(end, (u64)clock_ms(), " "), restarts, "\n");
  long error = write_file("exit.new", text, (size_t)(end - text));
  return error ? error : replace_file("live", "live.new", text, (size_t)(end - text));
}

void state_counts(u64 adopted, u64 reaped) {
  char text[48];
  char *end = append_field(append_field(text, adopted, " "), reaped, "\n");
  replace_file("counts", "counts.new", text, (size_t)(end - text));
}

char health_text[64 + HEALTH_RESULTS * (64 + HEALTH_OUTPUT)] LARGE;

void state_health(const struct health_state *state, const struct health_result *results, u32 count) {
  char *text = health_text;
  char *end = append_field(append_field(text, state->status, " "), state->streak, " ");
  end = append_field(append_field(end, state->is_started, " "), state->ends, "\n");
  for (u32 i = 0; i < count && i < HEALTH_RESULTS; i++) {
    const struct health_result *one = results + i;
    end = append_field(append_field(end, (u64)one->began, " "), (u64)one->ended, " ");
    end = one->code < 0 ? append(end, "-1 ") : append_field(end, (u64)one->code, " ");
    end = append_field(end, one->size, "\n");
  }
  end = append(end, "\n");
  for (u32 i = 0; i < count && i < HEALTH_RESULTS; i++) {
    size_t size = results[i].size < HEALTH_OUTPUT ? results[i].size : HEALTH_OUTPUT;
    memcpy(end, results[i].output, size);
    end += size;
  }
  replace_file("health", "health.new", text, (size_t)(end - text));
}

int state_has(const char *name) { return SYSCALL4(__NR_faccessat, FD_DIRECTORY, name, 0, 0) == 0; }

void state_remove(const char *name) { SYSCALL3(__NR_unlinkat, FD_DIRECTORY, name, 0); }

/* Records a fact by an empty file. */
void state_mark(const char *name) { write_file(name, "", 0); }

char file_text[32768] LARGE;

/* Reads a file, and ends it with a NUL. Returns its size: 0 if there is none, which takes no memory; -errno, -E2BIG if it is too long. */
static long read_file(const char *name) {
  long fd = sys_openat(FD_DIRECTORY, name, O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, file_text, sizeof file_text);
  if (fd >= 0) sys_close((int)fd);
  if (size == sizeof file_text) size = -E2BIG;
  if (size > 0) file_text[size] = 0;
  return size;
}

/* Sets the limits that foster update has changed since the start. For each, the file `limits` has the path of a cgroup, the
 * name of a file in it and its text, each followed by a NUL. Returns -errno or 0. */
long state_restore_limits(void) {
  long size = read_file("limits"), error = 0;
  if (size < 0) return size;
  for (const char *path = file_text, *end = file_text + size; path < end && !error;) {
    const char *name = path + string_length(path) + 1;
    if (name >= end) break;
    const char *text = name + string_length(name) + 1;
    if (text >= end) break;
    error = cgroup_write(path, name, text);
    path = text + string_length(text) + 1;
  }
  return error;
}

/* The restart policy. The file `restart` is read each time, because foster update may change it. */
void state_restart_policy(u32 *policy, u32 *most) {
  char text[32];
  long fd = sys_openat(FD_DIRECTORY, "restart", O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, text, sizeof text);
  if (fd >= 0) sys_close((int)fd);
  u32 numbers[2] = {0, 0}, count = 0;
  for (long i = 0; i < size && count < 2; i++) {
    if (text[i] >= '0' && text[i] <= '9')
      numbers[count] = numbers[count] * 10 + (u32)(text[i] - '0');
    else
      count++;
  }
  *policy = numbers[0];
  *most = numbers[1];
}

/* A line of the events file: MS ACTION ID NAME [KEY=VALUE ...]. `subject` is " ID NAME". */
void state_event(const char *action, const char *subject, const char *attributes) {
  char line[512];
  if (string_length(action) + string_length(subject) + string_length(attributes) > sizeof line - 32) return;
  char *end = append(append(append_field(line, (u64)clock_ms(), " "), action), subject);
  if (*attributes) end = append(append(end, " "), attributes);
  end = append(end, "\n");
  append_line(FD_EVENTS, line, (size_t)(end - line));
}

/* An event of each network that the container is in now: the file `networks` has their subjects, which network connect and
 * disconnect change. */
void state_network_events(const char *action) {
  long size = read_file("networks");
  for (char *line = file_text, *at = line; at < file_text + size; at++) {
    if (*at != '\n') continue;
    *at = 0;
    state_event(action, line, "");
    line = at + 1;
  }
}

/* A line that is complete but for its time, which comes first. */
void state_event_line(const char *text) {
  char line[4096];
  if (string_length(text) > sizeof line - 32) return;
  char *end = append(append(append_field(line, (u64)clock_ms(), " "), text), "\n");
  append_line(FD_EVENTS, line, (size_t)(end - line));
}

/* Only foster commands truncate the events file. While none runs, frequent events must not fill the disk. */
int state_events_full(void) {
  return SYSCALL3(__NR_lseek, FD_EVENTS, 0, 2 /* SEEK_END */) > 8 << 20;
}

/* Records the end of a run. */
void state_ended(int code, const char *subject) {
  char text[32];
  append_number(append(text, "exitCode="), (u64)code);
  state_exit(code);
  state_event("die", subject, text);
  state_network_events("network.disconnect");
}
