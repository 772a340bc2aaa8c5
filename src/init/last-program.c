/* The last that a monitor does: a program that it runs when the container has ended for good and its files are gone. That is
 * foster, which removes the image (foster run --rmi): the index of images is for TypeScript to change. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

enum { MAX_WORDS = 32 };

static long pod_lock = -1; /* that others of the pod have, too */

/* Returns a descriptor with a lock of the file, or a negative number if others have it. */
static long open_locked(const char *path, short type) {
  struct flock wanted = {.l_type = type};
  long fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fd;
  long error = SYSCALL3(__NR_fcntl, fd, F_OFD_SETLK, &wanted);
  if (error == 0) return fd;
  sys_close((int)fd);
  return error;
}

void note_member(void) {
  if (run.config->last_lock) pod_lock = open_locked(monitor_text(run.config->last_lock), F_RDLCK);
}

/* Whether no other container of the pod is left. Of two that end at the same time, the one that asks later is the last one. A failure
 * of one of a Job's always counts. */
static int is_last(int code) {
  if (!run.config->last_lock || (code && run.config->failure_file)) return 1;
  if (pod_lock >= 0) sys_close((int)pod_lock);
  pod_lock = open_locked(monitor_text(run.config->last_lock), F_WRLCK);
  return pod_lock != -EAGAIN && pod_lock != -EACCES;
}

/* Makes an array of the texts up to an empty one, and NULL. Returns 0 if there are too many. */
static int list_words(u32 offset, const char *words[MAX_WORDS + 1]) {
  u32 count = 0;
  const char *text = monitor_text(offset);
  for (; *text && count < MAX_WORDS; text += string_length(text) + 1) words[count++] = text;
  words[count] = NULL;
  return !*text;
}

/* Whether the command that has noted itself in the file, as `PID START`, still runs. It does what the program would do. */
static int is_noted(const char *path) {
  char text[32] = "", *start = text;
  long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  sys_read((int)fd, text, sizeof text - 1);
  sys_close((int)fd);
  u32 pid = read_number(text);
  while (*start >= '0' && *start <= '9') start++;
  if (*start++ != ' ') return 0;
  for (char *end = start; *end; end++)
    if (*end == '\n') *end = 0;
  return pid > 1 && pid < 1u << 30 && is_running_process((int)pid, start);
}

/* What it has to say goes to the caller. A program that could not be executed in the container leaves the image as it was. */
void run_last_program(int code) {
  const char *argv[MAX_WORDS + 1], *envp[MAX_WORDS + 1];
  if (!run.config->last_argv || run.exec_code) return;
  if (!is_last(code)) return;
  if (run.config->last_unless && is_noted(monitor_text(run.config->last_unless))) return;
  if (!list_words(run.config->last_argv, argv) || !list_words(run.config->last_envp, envp) || !argv[0]) return;
  int nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  if (nothing < 0) return;
  s32 descriptors[] = {nothing, nothing, run.has_caller ? 2 : nothing};
  struct program program = {.path = (u64)argv[0], .argv = (u64)argv, .envp = (u64)envp, .descriptors = (u64)descriptors,
                            .file = AT_FDCWD, .descriptor_count = 3};
  long child = start_program(&program, 0, NULL);
  sys_close(nothing);
  if (child > 0) SYSCALL4(__NR_wait4, child, NULL, 0, NULL);
}
