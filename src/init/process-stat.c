/* What /proc/PID/stat says about a process: proc_pid_stat(5). */
#include "init.h"

#include <linux/fcntl.h>

/* Reads it. Returns the text after the name of its command, which may contain anything, and so ends at the last bracket;
 * NULL if there is no such process. */
const char *read_process_stat(int pid, char buffer[PROCESS_STAT_SIZE]) {
  char path[32];
  append(append_number(append(path, "/proc/"), (u64)pid), "/stat");
  long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, buffer, PROCESS_STAT_SIZE - 1);
  if (fd >= 0) sys_close((int)fd);
  if (size <= 0) return NULL;
  buffer[size] = 0;
  char *at = buffer + size;
  while (at > buffer && *at != ')') at--;
  return at;
}

/* Copies a field, from the third on, to `field`: a number or a letter. */
void copy_stat_field(const char *stat, int number, char field[STAT_FIELD_SIZE]) {
  for (int at = 2; at < number && *stat; stat++)
    if (*stat == ' ') at++;
  int length = 0;
  while (*stat && *stat != ' ' && length < STAT_FIELD_SIZE - 1) field[length++] = *stat++;
  field[length] = 0;
}

/* When it started: in clock ticks since boot. "0" if there is no such process. */
void process_start(int pid, char field[STAT_FIELD_SIZE]) {
  char buffer[PROCESS_STAT_SIZE];
  const char *stat = read_process_stat(pid, buffer);
  if (stat) copy_stat_field(stat, STAT_START, field);
  else append(field, "0");
}

/* Whether the process of that pid is the one that started then, and no zombie. While its pidfd is open, the pid is not used again. */
int is_running_process(int pid, const char *wanted) {
  char buffer[PROCESS_STAT_SIZE], state[STAT_FIELD_SIZE], start[STAT_FIELD_SIZE];
  const char *stat = read_process_stat(pid, buffer);
  if (!stat) return 0;
  copy_stat_field(stat, STAT_STATE, state);
  copy_stat_field(stat, STAT_START, start);
  return *state != 'Z' && string_equal(start, wanted);
}
