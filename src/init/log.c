/* The log of a container: frames of what it wrote, each with its time and stream (docs/state.md). */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

struct frame {
  u64 nanoseconds;
  u32 size;
  u8 stream, zero[3];
};

static int log_fd = -1;
static u64 log_size, max_size;
static u32 max_files;

static void open_log(void) {
  log_fd = (int)sys_openat(FD_DIRECTORY, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  long end = log_fd < 0 ? 0 : SYSCALL3(__NR_lseek, log_fd, 0, 2 /* SEEK_END */);
  log_size = end > 0 ? (u64)end : 0;
}

void log_open(u64 limit, u32 files) {
  max_size = limit;
  max_files = files ? files : 1;
  open_log();
}

/* Renames log.1 to log.2 and so on. The oldest is overwritten or, if only one file is kept, removed. */
static void rotate(void) {
  char from[24], to[24];
  sys_close(log_fd);
  if (max_files == 1) SYSCALL3(__NR_unlinkat, FD_DIRECTORY, "log", 0);
  for (u32 i = max_files - 1; i > 0; i--) {
    append_number(append(to, "log."), i);
    append(from, "log");
    if (i > 1) append_number(append(from, "log."), i - 1);
    SYSCALL5(__NR_renameat2, FD_DIRECTORY, from, FD_DIRECTORY, to, 0);
  }
  open_log();
}

/* Writes a whole frame or none. If the disk is full, the frame is lost; the container is not held up. */
void log_write(const char *data, size_t size, u8 stream) {
  if (log_fd < 0) open_log(); /* failed before, when the disk was full */
  if (log_fd < 0) return;
  struct frame frame = {.nanoseconds = clock_ns(), .size = (u32)size, .stream = stream};
  struct iovec parts[2] = {{&frame, sizeof frame}, {(void *)data, size}};
  size_t whole = sizeof frame + size;
  if (max_size && log_size && log_size + whole > max_size) rotate();
  long wrote;
  do wrote = SYSCALL3(__NR_writev, log_fd, parts, 2);
  while (wrote == -EINTR);
  if (wrote == (long)whole) log_size += whole;
  else if (wrote > 0) SYSCALL2(__NR_ftruncate, log_fd, log_size);
}
