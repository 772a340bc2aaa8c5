/* A kernel for fuzzing: it answers every system call of foster-init from the fuzzer's input, and reads and writes the memory
 * that a real kernel would, so that the sanitizers check it. A harness includes the file of src/init that it tests, so that
 * it can reset the variables there, and defines LLVMFuzzerTestOneInput. */
#include "../../src/init/init.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <setjmp.h>
#include <string.h>

/* Not by stdlib.h, whose types are in the way of the kernel's. */
void *malloc(size_t size);
void free(void *memory);

static const u8 *input_left;
static size_t input_size_left;
static jmp_buf end_of_run;
static u8 *mapped; /* what map_blob gets: as long as it says and not a byte longer */
static size_t mapped_size;
static int is_mapped;
static u8 *mapped_again; /* what later calls get: the same as another file */
static int calls, next_fd;

static u8 take(void) {
  if (!input_size_left) return 0;
  input_size_left--;
  return *input_left++;
}

static size_t take_some(void *to, size_t most) {
  size_t size = (size_t)take() | (size_t)take() << 8;
  if (size > most) size = most;
  if (size > input_size_left) size = input_size_left;
  if (size) memcpy(to, input_left, size);
  input_left += size, input_size_left -= size;
  return size;
}

static volatile u8 seen;
static void look(const void *data, size_t size) {
  for (size_t i = 0; i < size; i++) seen ^= ((const u8 *)data)[i];
}

static void look_at_text(const char *text) {
  while (*text) seen ^= (u8)*text++;
}

static long failure(void) {
  static const int errors[] = {EINTR, EAGAIN, EPIPE, EIO, ENOENT, EPERM, ENOSPC, ECHILD};
  return -errors[take() % (sizeof errors / sizeof *errors)];
}

static long received(void *to, size_t most) {
  u8 how = take();
  if (how % 8 == 7) return failure();
  if (how % 32 == 6) return 0;
  return (long)take_some(to, most);
}

static long sent(const void *data, size_t size) {
  look(data, size);
  u8 how = take();
  if (how % 8 == 7) return failure();
  return how % 8 == 6 && size ? 1 + (long)(how % size) : (long)size;
}

static long polled(struct pollfd *polls, size_t count) {
  long ready = 0;
  for (size_t i = 0; i < count; i++) {
    polls[i].revents = 0;
    if (polls[i].fd < 0) continue;
    polls[i].revents = (short)(take() & (polls[i].events | POLLHUP | POLLERR));
    ready += polls[i].revents != 0;
  }
  return ready ? ready : take() % 4 ? 0 : -EINTR;
}

/* struct msghdr, as far as terminal.c uses it. */
static long received_message(long at) {
  struct {
    void *name;
    int name_size;
    struct {
      void *base;
      size_t size;
    } *vectors;
    size_t vector_count;
    void *control;
    size_t control_size;
  } *header = (void *)at;
  header->control_size = take_some(header->control, header->control_size);
  return received(header->vectors->base, header->vectors->size);
}

static long executed(long path, char *const *argv, char *const *envp) {
  look_at_text((const char *)path);
  for (; *argv; argv++) look_at_text(*argv);
  for (; *envp; envp++) look_at_text(*envp);
  return failure();
}

long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  (void)f;
  if (++calls > 20000 || !input_size_left) longjmp(end_of_run, 1);
  switch (number) {
    case __NR_read:
    case __NR_pread64:
    case __NR_recvfrom:
      return received((void *)b, (size_t)c);
    case __NR_writev: {
      const struct iovec *parts = (const struct iovec *)b;
      for (long i = 1; i < c; i++) look(parts[i].iov_base, parts[i].iov_len);
      return sent(parts->iov_base, parts->iov_len);
    }
    case __NR_write:
    case __NR_sendto:
      return sent((const void *)b, (size_t)c);
    case __NR_ppoll:
      return polled((struct pollfd *)a, (size_t)b);
    case __NR_recvmsg:
      return received_message(b);
    case __NR_execve:
      return executed(a, (char *const *)b, (char *const *)c);
    case __NR_exit_group:
      longjmp(end_of_run, 1);
    case __NR_fstat: {
      static const u32 kinds[] = {0, 0010000, 0020000, 0100000, 0140000}; /* a FIFO, a device, a file, a socket */
      ((struct stat *)b)->st_size = (long)mapped_size;
      ((struct stat *)b)->st_mode = kinds[take() % 5];
      return 0;
    }
    case __NR_splice:
    case __NR_tee:
      return take() % 4 ? take() * 300 : take() % 2 ? failure() : -EINVAL;
    case __NR_mmap:
      if (!is_mapped++) return (long)mapped;
      free(mapped_again);
      mapped_again = malloc(mapped_size);
      memcpy(mapped_again, mapped, mapped_size);
      return (long)mapped_again;
    case __NR_munmap:
      return 0;
    case __NR_clock_gettime:
      ((s64 *)b)[0] = calls / 16, ((s64 *)b)[1] = calls % 16 * 1000000;
      return 0;
    case __NR_getpid:
      return 2;
    case __NR_clone:
      return take() % 8 ? 3 + take() : take() % 2 ? 0 : -EAGAIN;
    case __NR_wait4:
      if (b) *(int *)b = take() | take() << 8;
      return take() % 2 ? a > 0 ? a : 3 + take() : take() % 2 ? 0 : -ECHILD;
    case __NR_openat:
    case __NR_faccessat:
    case __NR_unlinkat:
      look_at_text((const char *)b);
      return take() % 4 == 3 ? failure() : number == __NR_openat ? next_fd++ : 0;
    case __NR_socketpair:
    case __NR_pipe2: {
      int *ends = (int *)(number == __NR_pipe2 ? a : d);
      ends[0] = next_fd++, ends[1] = next_fd++;
      return 0;
    }
    case __NR_accept4:
    case __NR_socket:
    case __NR_pidfd_open:
    case __NR_signalfd4:
      return take() % 4 == 3 ? failure() : next_fd++;
    case __NR_renameat2:
      look_at_text((const char *)b), look_at_text((const char *)d);
      return take() % 4 == 3 ? failure() : 0;
    case __NR_bind:
      look((const void *)b, (size_t)c);
      return 0;
    case __NR_getsockopt:
      take_some((void *)d, *(u32 *)e);
      return 0;
    case __NR_rt_sigtimedwait:
      if (b) take_some((void *)b, 128);
      return take() % 65;
    case __NR_prctl:
    case __NR_close:
    case __NR_close_range:
    case __NR_dup3:
    case __NR_kill:
    case __NR_setsid:
    case __NR_chdir:
    case __NR_fchdir:
    case __NR_listen:
    case __NR_rt_sigprocmask:
    case __NR_rt_sigaction:
    case __NR_rt_sigqueueinfo:
    case __NR_pidfd_send_signal:
    case __NR_ftruncate:
    case __NR_ioctl:
    case __NR_setns:
      return 0;
    default:
      return take() % 2 ? 0 : failure();
  }
}

/* Runs `body` until it returns, exits, or the input is used up. */
#define RUN(body)                    \
  do {                               \
    if (!setjmp(end_of_run)) { body; } \
  } while (0)

static void begin_run(const u8 *data, size_t size) {
  input_left = data, input_size_left = size;
  calls = 0, next_fd = 100;
}

/* The first part of the input is a blob, whose header is made valid; the rest is for system calls. */
__attribute__((unused)) static void begin_run_with_blob(const u8 *data, size_t size, size_t least) {
  size_t blob = size < 2 ? 0 : (size_t)data[0] | (size_t)(data[1] & 0x3f) << 8;
  data += size < 2 ? size : 2, size -= size < 2 ? size : 2;
  if (blob > size) blob = size;
  mapped_size = blob < least ? least : blob;
  mapped = malloc(mapped_size);
  memset(mapped, 0, mapped_size);
  if (blob) memcpy(mapped, data, blob);
  is_mapped = 0;
  u32 head[3] = {MAGIC, VERSION, (u32)mapped_size};
  memcpy(mapped, head, sizeof head);
  begin_run(data + blob, size - blob);
}

__attribute__((unused)) static void end_run_with_blob(void) { free(mapped), free(mapped_again), mapped_again = NULL; }

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
