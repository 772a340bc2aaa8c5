/* Does host steps: work from outside for a process that has just been started, such as PID 1. They are data; there is
 * no policy here. The same code runs in the monitor, which restarts a container when no TypeScript runs any more, and in
 * TypeScript, which calls it through FFI (entry.c). A new kind of step needs a function here, a case in do_step and, if
 * there is something to undo, one in undo_step. */
#include "program.h"
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>

enum { TARGET_HAS_ENDED = 1 }; /* a result besides 0 and -errno: the process has ended, and has reported why */

const sigset *ending_signals;

static int is_interrupted(void) {
  const sigset ending = signal_bit(SIGHUP) | signal_bit(SIGINT) | signal_bit(SIGQUIT) | signal_bit(SIGTERM);
  return ending_signals && __atomic_load_n(ending_signals, __ATOMIC_SEQ_CST) & ending;
}

/* Returns -EINTR if a signal or the end of the starter cancels the wait. Checks for signals every 100 ms, because one may
 * come just before the wait, or be received by another of Node's threads. */
static long wait_readable(const struct host *host, int fd) {
  struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = host->starter}};
  for (;;) {
    s64 slice[2] = {0, 100000000};
    if (is_interrupted()) return -EINTR;
    if (SYSCALL5(__NR_ppoll, polls, 2, slice, NULL, 8) <= 0) continue;
    return polls[0].revents ? 0 : -EINTR;
  }
}

static long open_pidfd(int pid) { return SYSCALL2(__NR_pidfd_open, pid, 0); }

/* Waits `timeout_ms` for the program to end by itself, then kills it. */
static void end_program(int pid, s64 timeout_ms) {
  struct pollfd poll = {.fd = (int)open_pidfd(pid), .events = POLLIN};
  s64 time[2] = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
  if (poll.fd < 0 || SYSCALL5(__NR_ppoll, &poll, 1, time, NULL, 8) <= 0) sys_kill(pid, SIGKILL);
  if (poll.fd >= 0) sys_close(poll.fd);
  SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
}

static struct host_step *steps_of(const struct host *host) { return (struct host_step *)(host->blob + host->steps); }

static const char *words_of(const struct host *host, const struct host_step *step) {
  return (const char *)(host->blob + step->words);
}

/* Starts the program in the words, or foster-init with the words as arguments. Returns its pid, or -errno. */
static long start_step_program(const struct host *host, const struct host_step *step, int control) {
  const char *argv[MAX_HOST_WORDS + 2], *word = words_of(host, step);
  char pid[24];
  append_number(pid, (u64)host->pid);
  u32 count = 0, is_init = step->kind == HOST_START;
  if (is_init) argv[count++] = "foster-init";
  for (u32 i = 0; i < step->count && i < MAX_HOST_WORDS; i++, word += string_length(word) + 1)
    argv[count++] = i && i == step->detail && !is_init ? pid : word;
  argv[count] = NULL;
  int nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  if (nothing < 0) return nothing;
  int is_file = is_init && host->init >= 0;
  s32 descriptors[] = {nothing, nothing, host->output >= 0 ? host->output : nothing, control, -1, host->pidfd, -1, host->holder};
  struct program program = {
      .path = (u64)(is_file ? "" : is_init ? "/proc/self/exe" : argv[0]),
      .argv = (u64)(is_init ? argv : argv + 1),
      .envp = (u64)&argv[count],
      .descriptors = (u64)descriptors,
      .file = is_file ? host->init : AT_FDCWD,
      .descriptor_count = is_init ? FD_ENTERED + 1 : 3,
  };
  long child = start_program(&program, 0, NULL);
  sys_close(nothing);
  return child;
}

static long write_proc(const struct host *host, const struct host_step *step) {
  const char *file = words_of(host, step), *text = file + string_length(file) + 1;
  if (step->detail & WRITE_FROM_ABOVE) return write_from_inside(host->holder, host->pid, file, text);
  return write_proc_file(host->pid, file, text);
}

/* Sends the messages. One that makes a pair of interfaces has the PID of the process whose network namespace gets one end. */
static long change_network(const struct host *host, const struct host_step *step) {
  char *messages = (char *)(host->blob + step->words);
  u32 place = step->detail >> NETLINK_PID_SHIFT;
  s32 pid = host->pid;
  if (place) memcpy(messages + place, &pid, sizeof pid);
  return send_netlink_inside(step->detail & NETLINK_IN_CONTAINER ? host->pidfd : host->holder, messages, step->count);
}

/* Waits for all programs that run in parallel, up to step `last`. If several fail, the first is reported. */
static long reap_programs(struct host *host, u32 last) {
  struct host_step *steps = steps_of(host);
  long outcome = 0;
  for (u32 i = 0; i <= last; i++) {
    if (steps[i].kind != HOST_RUN || steps[i].result <= 0) continue;
    int status = 0, pidfd = (int)open_pidfd(steps[i].result);
    long error = pidfd < 0 ? 0 : wait_readable(host, pidfd);
    if (pidfd >= 0) sys_close(pidfd);
    if (error < 0) return error;
    error = SYSCALL4(__NR_wait4, steps[i].result, &status, 0, NULL);
    steps[i].result = 0;
    if (outcome || (error >= 0 && !status)) continue;
    host->failed = i, host->detail = status;
    outcome = error < 0 ? error : -ECHILD;
  }
  return outcome;
}

static long run_in_parallel(struct host *host, u32 index) {
  struct host_step *step = steps_of(host) + index;
  long pid = start_step_program(host, step, -1);
  if (pid < 0) return pid;
  step->result = (s32)pid;
  int has_next = index + 1 < host->count && step[1].kind == HOST_RUN;
  return has_next ? 0 : reap_programs(host, index);
}

/* The program reports a failure, or closes its end of the socket when it is ready. */
static long start_and_wait(struct host *host, struct host_step *step) {
  int ends[2];
  long error = sys_socketpair(ends);
  if (error < 0) return error;
  long pid = start_step_program(host, step, ends[1]);
  sys_close(ends[1]);
  struct report message = {.kind = 0};
  long size = 0;
  if (pid > 0) {
    step->result = (s32)pid;
    error = wait_readable(host, ends[0]);
    if (!error) size = receive_message(ends[0], &message, sizeof message, MSG_DONTWAIT);
  }
  sys_close(ends[0]);
  if (pid < 0 || error < 0) return pid < 0 ? pid : error;
  if (size == 0) return 0;
  if (size != sizeof message || message.value <= 0 || message.value >= 4096) return -EIO;
  host->detail = (s32)message.index;
  return -message.value;
}

/* SCM_RIGHTS with one descriptor: unix(7), cmsg(3). */
static long send_descriptor(int socket, int fd) {
  char byte = 0;
  struct { void *base; u64 size; } vector = {&byte, 1};
  struct { u64 size; u32 level, type; s32 fd, unused; } control = {20, SOL_SOCKET, SCM_RIGHTS, fd, 0};
  struct {
    void *name; u64 name_size; void *vectors; u64 vector_count; void *control; u64 control_size; u64 flags;
  } message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
  return SYSCALL3(__NR_sendmsg, socket, &message, MSG_NOSIGNAL);
}

static long shift_ids(int mount, int userns, u64 attributes, int is_deep) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP | attributes, .userns_fd = (u64)userns};
  return SYSCALL5(__NR_mount_setattr, mount, "", AT_EMPTY_PATH | (is_deep ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

/* Links below a folder to which containers write are not followed. */
static long open_below(const char *folder, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  long top = sys_openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (top < 0) return top;
  long file = SYSCALL4(__NR_openat2, top, path, &how, sizeof how);
  sys_close((int)top);
  return file;
}

/* A detached copy of the mount of a step. */
static long copy_mount(const struct host *host, const struct host_step *step, int flags) {
  const char *source = words_of(host, step);
  if (step->count < 2) return SYSCALL3(__NR_open_tree, AT_FDCWD, source, flags);
  long file = open_below(source, source + string_length(source) + 1);
  if (file < 0) return file;
  long mount = SYSCALL3(__NR_open_tree, file, "", flags | AT_EMPTY_PATH);
  sys_close((int)file);
  return mount;
}

/* A process in a user namespace may not shift the ids of the host's files (mount_setattr(2), MOUNT_ATTR_IDMAP). So a
 * detached copy of the mount is made here and sent as a descriptor, and PID 1 only attaches it. If the kernel or the
 * filesystem cannot shift ids, the mount is sent without a shift, unless the step has HAND_MUST_SHIFT. */
static long hand_mount(const struct host *host, struct host_step *step) {
  if (host->userns < 0) return TARGET_HAS_ENDED;
  int is_deep = (step->detail & HAND_DEEP) != 0;
  s32 outcome = HANDED_WHOLE;
  int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (is_deep ? AT_RECURSIVE : 0);
  long mount = copy_mount(host, step, flags);
  if (mount < 0) return mount;
  /* With shifted ids, root in the container owns the device files of the host's root. */
  u64 attributes = step->detail & HAND_DEVICES ? 0 : MOUNT_ATTR_NODEV;
  long error = shift_ids((int)mount, host->userns, attributes, is_deep);
  if (error < 0 && is_deep) { /* the filesystem of a mount below it does not support this */
    outcome = HANDED_TOP_ONLY;
    error = shift_ids((int)mount, host->userns, attributes, 0);
  }
  if (error < 0) outcome = HANDED_PLAIN;
  if (error >= 0 || !(step->detail & HAND_MUST_SHIFT)) error = send_descriptor(host->control, (int)mount);
  sys_close((int)mount);
  if (error == -EPIPE || error == -ECONNRESET) return TARGET_HAS_ENDED;
  step->result = outcome;
  return error < 0 ? error : 0;
}

static long do_step(struct host *host, u32 index) {
  struct host_step *step = steps_of(host) + index;
  switch (step->kind) {
    case HOST_NOTHING:
      return 0;
    case HOST_WRITE:
      return write_proc(host, step);
    case HOST_RUN:
      return run_in_parallel(host, index);
    case HOST_START:
      return start_and_wait(host, step);
    case HOST_NETLINK:
      return change_network(host, step);
    case HOST_RESUME:
      return sys_send(host->control, (char[]){CONTROL_RESUME}, 1, 0) < 0 ? TARGET_HAS_ENDED : 0;
    case HOST_CGROUP:
      return cgroup_step(host, step, words_of(host, step));
    default:
      return hand_mount(host, step);
  }
}

static void undo_step(const struct host *host, struct host_step *step, int is_graceful) {
  if (step->kind == HOST_CGROUP && step->result > 0) cgroup_undo(step, words_of(host, step));
  if ((step->kind != HOST_START && step->kind != HOST_RUN) || step->result <= 0) return;
  end_program(step->result, is_graceful && step->kind == HOST_START ? step->detail : 0);
  step->result = 0;
}

/* Undoes all steps, from the last to the first. `is_graceful` gives each program the time of its step to end by itself. */
void undo_host_steps(struct host *host, int is_graceful) {
  for (u32 i = host->count; i > 0; i--) undo_step(host, steps_of(host) + i - 1, is_graceful);
}

/* Whether the process ends without our doing, so that nothing can be done for it. Its files in /proc refuse us a moment before its pidfd tells. */
static int has_ended(const struct host *host) {
  struct pollfd poll = {.fd = host->pidfd, .events = POLLIN};
  s64 moment[2] = {0, 100000000};
  return host->pidfd >= 0 && SYSCALL5(__NR_ppoll, &poll, 1, moment, NULL, 8) > 0;
}

/* Returns 0 when all steps are done. Otherwise returns -errno; `host` then says what failed, and the steps before it are undone. */
int run_host_steps(struct host *host) {
  struct host_step *steps = steps_of(host);
  long outcome = 0;
  for (u32 i = 0; i < host->count; i++) steps[i].result = 0;
  for (u32 i = 0; i < host->count && outcome == 0; i++) {
    host->failed = i, host->detail = -1;
    outcome = do_step(host, i);
  }
  if (outcome < 0 && has_ended(host)) outcome = TARGET_HAS_ENDED;
  if (outcome >= 0) return 0;
  host->error = outcome == -ECHILD ? 0 : (s32)-outcome;
  /* The process cannot continue, and its cgroup can be removed only when it has ended. */
  if (host->pidfd >= 0) SYSCALL4(__NR_pidfd_send_signal, host->pidfd, SIGKILL, NULL, 0);
  undo_host_steps(host, 0);
  return (int)outcome;
}

/* Called when a child was reaped. If a step has started it, that step needs no undo any more. */
void host_program_exited(struct host *host, int pid) {
  struct host_step *steps = steps_of(host);
  for (u32 i = 0; i < host->count; i++)
    if (steps[i].kind == HOST_START && steps[i].result == pid) steps[i].result = 0;
}
