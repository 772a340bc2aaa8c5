/* What the front prints. */
#include "front.h"

#include <asm-generic/errno.h>

/* Returns 0 or -errno. */
static long write_all(int fd, const char *text) {
  size_t size = string_length(text);
  while (size) {
    long wrote = sys_write(fd, text, size);
    s64 moment[2] = {0, 2000000};
    if (wrote == -EAGAIN) SYSCALL5(__NR_ppoll, NULL, 0, moment, NULL, 8); /* another process has made it non-blocking */
    else if (wrote < 0 && wrote != -EINTR) return wrote;
    else if (wrote > 0) text += wrote, size -= (size_t)wrote;
  }
  return 0;
}

static int is_reader_gone(long error) { return error == -EPIPE || error == -ECONNRESET; }

/* Returns whether all of it was written. Who does not want to read any more ends this process, as it does in TypeScript. */
int say(int fd, const char *text) {
  long error = write_all(fd, text);
  if (fd == 1 && is_reader_gone(error)) sys_exit(0);
  return !error;
}

/* What a command is to print when it has done its work, which Node must not do again. Returns whether it was written; if not, the error has been
 * printed as by printRaw in src/cli/output.ts. It may not be the last of its work: a reader that is gone is no reason to leave the rest. */
int print_result(const char *text) {
  char line[160], *end = append(line, "foster: cannot write to standard output");
  long error = write_all(1, text);
  if (is_reader_gone(error)) return 1;
  if (error == -ENOSPC) append(end, ": no space left on device (ENOSPC)\n");
  else if (error) append(append_number(append(end, " (errno "), (u64)-error), ")\n");
  if (error) say(2, line);
  return !error;
}
