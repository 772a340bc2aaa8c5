/* Carries bytes between a descriptor of the container and one of the caller, so that neither side gets the other's. It
 * never blocks: poll(2) says what can be done, and O_NONBLOCK is set only on file descriptions of our own, because the
 * caller's are shared with other processes.
 *
 * Between pipes, from a file to a pipe, and from a pipe to a device such as /dev/null, splice(2) moves pages. Everything else
 * uses read(2) and write(2): splice(2) blocks on terminals and sockets, and does not lock a file's offset, so writers that
 * share it would overwrite each other's lines. */
#include "init.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <linux/stat.h>

#define SPLICE_F_NONBLOCK 2
#define DEFAULT_PIPE_SIZE 65536
#define LARGE_PIPE_SIZE (1024 * 1024)

static u32 kind_of(int fd) {
  struct stat info;
  return SYSCALL2(__NR_fstat, fd, &info) < 0 ? 0 : info.st_mode & S_IFMT;
}

static long flags_of(int fd) { return SYSCALL2(__NR_fcntl, fd, F_GETFL); }

/* Reopens the caller's terminal as our own non-blocking file description, at the same number. If we may not open it (after
 * su(1), for example), it is used unchanged. Returns whether `fd` is a terminal. */
static int reopen_terminal(int fd) {
  struct termios settings;
  if (sys_ioctl(fd, TCGETS, &settings) < 0) return 0;
  u32 number; /* only a master has one: opening it would make another terminal */
  if (sys_ioctl(fd, TIOCGPTN, &number) == 0) return 1;
  char path[32];
  append_number(append(path, "/proc/self/fd/"), (u64)fd);
  int access = (int)flags_of(fd) & O_ACCMODE;
  long own = sys_openat(AT_FDCWD, path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  if (own < 0) return 1;
  SYSCALL3(__NR_dup3, own, fd, 0);
  sys_close((int)own);
  return 1;
}

/* `keeps_ends`: for a terminal, whose other end may be opened again. */
void stream_open(struct stream *stream, int from, int to, char *data, int keeps_ends) {
  u32 source = kind_of(from), target = kind_of(to);
  if (source == S_IFCHR) reopen_terminal(from);
  int is_device = target == S_IFCHR && !reopen_terminal(to);
  *stream = (struct stream){.from = from, .to = to, .keeps_ends = (u8)keeps_ends, .data = data};
  stream->is_spliced = (source == S_IFIFO && (target == S_IFIFO || is_device)) || (source == S_IFREG && target == S_IFIFO);
  stream->reads_socket = source == S_IFSOCK;
  stream->writes_socket = target == S_IFSOCK;
  stream->never_blocks = to < 0 || target == S_IFSOCK || target == S_IFREG || flags_of(to) & O_NONBLOCK;
}

/* A pipe of our own, to which tee(2) copies what `watch` observes. */
static int side[2] = {-1, -1};

void stream_watch(struct stream *stream, u8 number, void (*watch)(u8 number, char *data, size_t size)) {
  stream->watch = watch, stream->number = number;
  int is_needed = stream->to >= 0 && kind_of(stream->from) == S_IFIFO;
  stream->is_teed = is_needed && (side[0] >= 0 || SYSCALL2(__NR_pipe2, side, O_CLOEXEC | O_NONBLOCK) == 0);
}

/* The end of the sentence "foster: cannot ...". */
char *append_stream_error(char *to, int is_input, long error) {
  to = append(to, is_input ? "read standard input" : "write the container's output");
  to = append(to, error == -ENOSPC ? ": no space left on device (" : " (");
  return append(append_number(append(to, "errno "), (u64)-error), ")\n");
}

void stream_close(struct stream *stream) { stream_open(stream, -1, -1, NULL, 0); }

int stream_has_data(const struct stream *stream) { return stream->is_full || stream->size > stream->at; }

/* `to` is always polled: poll(2) reports without being asked that its reader is gone. */
int stream_poll(struct stream *stream, struct pollfd *polls) {
  int is_waiting = stream_has_data(stream);
  polls[0] = polls[1] = (struct pollfd){.fd = -1};
  if (stream->is_resting) return stream->is_resting = 0, 1;
  polls[0] = (struct pollfd){.fd = is_waiting ? -1 : stream->from, .events = POLLIN};
  polls[1] = (struct pollfd){.fd = is_waiting || !stream->keeps_ends ? stream->to : -1, .events = is_waiting ? POLLOUT : 0};
  return 0;
}

static void enlarge(int fd) {
  long size = SYSCALL2(__NR_fcntl, fd, F_GETPIPE_SZ);
  if (size > 0 && size < LARGE_PIPE_SIZE) SYSCALL3(__NR_fcntl, fd, F_SETPIPE_SZ, LARGE_PIPE_SIZE);
}

char observed_data[1 + STREAM_BUFFER] LARGE;

long stream_observe(struct stream *stream) {
  char *data = observed_data;
  if (!stream->is_teed || stream->from < 0) return 0;
  long size = SYSCALL4(__NR_tee, stream->from, side[1], LARGE_PIPE_SIZE, SPLICE_F_NONBLOCK);
  for (long at = 0, got; at < size; at += got) {
    got = sys_read(side[0], data + 1, STREAM_BUFFER);
    if (got <= 0) break;
    long known = (long)stream->observed - at;
    if (known < 0) known = 0;
    if (known < got) stream->watch(stream->number, data + 1 + known, (size_t)(got - known));
  }
  if (size > (long)stream->observed) stream->observed = (u32)size;
  return size;
}

/* How much may be moved at once: only what has been observed. Negative if there is no data. */
static long max_transfer(struct stream *stream, long most) {
  long shown = stream->is_teed && !stream->observed ? stream_observe(stream) : 0;
  if (shown == -EAGAIN || shown == -EINTR) return shown;
  return stream->observed && stream->observed < most ? stream->observed : most;
}

static void consume_observed(struct stream *stream, long size) {
  if (size > 0) stream->observed = stream->observed > (u64)size ? stream->observed - (u32)size : 0;
}

static long move_pages(struct stream *stream, int is_readable) {
  long most = max_transfer(stream, LARGE_PIPE_SIZE);
  if (most < 0) return stream->is_full = 0, most;
  long moved = syscall6(__NR_splice, stream->from, 0, stream->to, 0, most, SPLICE_F_NONBLOCK);
  stream->is_full = moved == -EAGAIN && is_readable;
  if (moved == -EINVAL) return stream->is_spliced = 0; /* a device that can only be written */
  consume_observed(stream, moved);
  /* If there is much data, waking each other for every piece takes longer than moving it. */
  if (moved >= DEFAULT_PIPE_SIZE) {
    enlarge(stream->from), enlarge(stream->to), stream->is_resting = 1;
    if (stream->is_teed) enlarge(side[1]);
  }
  return moved ? moved : STREAM_AT_END;
}

static long fill(struct stream *stream) {
  long most = max_transfer(stream, STREAM_BUFFER);
  if (most < 0) return most;
  long size = stream->reads_socket ? sys_receive(stream->from, stream->data, (size_t)most, MSG_DONTWAIT)
                                   : sys_read(stream->from, stream->data, (size_t)most);
  stream->at = 0, stream->size = size > 0 ? (u32)size : 0;
  consume_observed(stream, size);
  if (size > 0 && stream->watch && !stream->is_teed) stream->watch(stream->number, stream->data, (size_t)size);
  return size ? size : STREAM_AT_END;
}

static long empty(struct stream *stream) {
  size_t size = stream->size - stream->at;
  if (stream->to < 0) return stream->at = stream->size, (long)size;
  if (size > PIPE_BUF && !stream->never_blocks) size = PIPE_BUF;
  const char *data = stream->data + stream->at;
  long wrote = stream->writes_socket
                   ? sys_send(stream->to, data, size, MSG_DONTWAIT)
                   : sys_write(stream->to, data, size);
  if (wrote > 0) stream->at += (u32)wrote;
  return wrote;
}

static long carry_some(struct stream *stream, const struct pollfd *polls) {
  if (stream->from < 0 && stream->to < 0) return 0; /* closed since poll(2): when the container has stopped, all that is there is carried at once */
  if (polls[1].revents & ~POLLOUT) return -EPIPE;
  if (!(polls[0].revents | polls[1].revents)) return 0;
  if (stream->is_spliced) return move_pages(stream, polls[0].revents);
  long size = 0;
  if (!stream_has_data(stream)) {
    size = fill(stream);
    if (size < 0 || !stream->never_blocks) return size < 0 ? size : 0;
  }
  return empty(stream);
}

/* Moves what it can without blocking, according to poll(2). Returns how much was written, or why the stream has ended:
 * STREAM_AT_END, -EPIPE if there is no reader any more, or another -errno. */
long stream_carry(struct stream *stream, const struct pollfd *polls) {
  long done = carry_some(stream, polls);
  return done == -EAGAIN || done == -EINTR ? 0 : done;
}
