/* The last that a monitor does: a program that it runs when the container has ended for good and its files are gone. That is
 * foster, which removes the image (foster run --rmi): the index of images is for TypeScript to change. */
#include "monitor.h"

#include <linux/fcntl.h>

enum { MAX_WORDS = 32 };

/* Makes an array of the texts up to an empty one, and NULL. Returns 0 if there are too many. */
static int list_words(u32 offset, const char *words[MAX_WORDS + 1]) {
  u32 count = 0;
  const char *text = monitor_text(offset);
  for (; *text && count < MAX_WORDS; text += string_length(text) + 1) words[count++] = text;
  words[count] = NULL;
  return !*text;
}

/* What it has to say goes to the caller. A program that could not be executed in the container leaves the image as it was. */
void run_last_program(void) {
  const char *argv[MAX_WORDS + 1], *envp[MAX_WORDS + 1];
  if (!run.config->last_argv || run.exec_code) return;
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
