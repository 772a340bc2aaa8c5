/* A container may share the namespaces of another one, such as that of its pod. That one may have been started again since. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

/* Opens the process that its file `live` names: PID PIDSTART ... Returns 0, or -ESRCH if it does not run. */
long reopen_joined(void) {
  char text[96] = "", start[STAT_FIELD_SIZE];
  long fd = sys_openat(FD_DIRECTORY, monitor_text(run.config->joined), O_RDONLY | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read((int)fd, text, sizeof text - 1);
  if (fd >= 0) sys_close((int)fd);
  if (size <= 0) return -ESRCH;
  const char *expected = text;
  while (*expected >= '0' && *expected <= '9') expected++;
  int pid = (int)read_number(text);
  long pidfd = *expected == ' ' && pid > 0 ? SYSCALL2(__NR_pidfd_open, pid, 0) : -ESRCH;
  if (pidfd < 0) return -ESRCH;
  /* After opening: the descriptor belongs to the process that has the pid now. */
  process_start(pid, start);
  size_t length = string_length(start);
  for (size_t i = 0; i < length; i++)
    if (expected[1 + i] != start[i]) return sys_close((int)pidfd), -ESRCH;
  if (expected[1 + length] != ' ') return sys_close((int)pidfd), -ESRCH;
  set_descriptor(pidfd, FD_JOINED);
  return 0;
}
