/* What the front prints. */
#include "front.h"

#include <asm-generic/errno.h>

/* Returns 0 or -errno. Who does not want to read any more ends this process, as it does in TypeScript. */
static long write_all(int fd, const char *text) {
  size_t size = string_length(text);
  while (size) {
    long wrote = sys_write(fd, text, size);
    if (fd == 1 && (wrote == -EPIPE || wrote == -ECONNRESET)) sys_exit(0);
    s64 moment[2] = {0, 2000000};
    if (wrote == -EAGAIN) SYSCALL5(__NR_ppoll, NULL, 0, moment, NULL, 8); /* another process has made it non-blocking */
    else if (wrote < 0 && wrote != -EINTR) return wrote;
    else if (wrote > 0) text += wrote, size -= (size_t)wrote;
  }
  return 0;
}

/* Returns whether all of it was written. */
int say(int fd, const char *text) { return write_all(fd, text) == 0; }

/* What a command is to print when it has done its work, which Node must not do again. Returns whether it was written; if not, the error has been
 * printed as by printRaw in src/cli/output.ts. */
int print_result(const char *text) {
  char line[160], *end = append(line, "foster: cannot write to standard output");
  long error = write_all(1, text);
  if (error == -ENOSPC) append(end, ": no space left on device (ENOSPC)\n");
  else if (error) append(append_number(append(end, " (errno "), (u64)-error), ")\n");
  if (error) say(2, line);
  return !error;
}
