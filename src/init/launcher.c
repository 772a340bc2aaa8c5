/* Host steps: what is done from outside for a process that has just been started, such as PID 1. They come as data; no
 * policy lives here. The same code does them for the monitor, which starts a container again when no TypeScript runs any
 * more, and for TypeScript, which calls it by FFI (entry.c). A new kind of step takes a function here, and a case in
 * do_step and, where there is something to undo, in undo_step. */
#include "program.h"
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/mount.h>
#include <linux/poll.h>

enum { IS_GONE = 1 }; /* beside 0 and -errno: the process has ended, and has said why */

const sigset *ending_signals;

static int is_interrupted(void) {
  const sigset ending = signal_bit(SIGHUP) | signal_bit(SIGINT) | signal_bit(SIGQUIT) | signal_bit(SIGTERM);
  return ending_signals && __atomic_load_n(ending_signals, __ATOMIC_SEQ_CST) & ending;
}

/* Returns -EINTR where nobody wants it any more. A signal may come just before the wait, or be taken by another of Node's
 * threads: look again now and then. */
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

/* `patience`: how many ms it gets to end by itself. */
static void end_program(int pid, s64 patience) {
  struct pollfd poll = {.fd = (int)open_pidfd(pid), .events = POLLIN};
  s64 time[2] = {patience / 1000, patience % 1000 * 1000000};
  if (poll.fd < 0 || SYSCALL5(__NR_ppoll, &poll, 1, time, NULL, 8) <= 0) sys_kill(pid, SIGKILL);
  if (poll.fd >= 0) sys_close(poll.fd);
  SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
}

static struct host_step *steps_of(const struct host *host) { return (struct host_step *)(host->blob + host->steps); }

static const char *words_of(const struct host *host, const struct host_step *step) {
  return (const char *)(host->blob + step->words);
}

/* The program that the words name, or foster-init with them as arguments. Returns its pid, or -errno. */
static long start_words(const struct host *host, const struct host_step *step, int control) {
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
  s32 descriptors[] = {nothing, nothing, host->output >= 0 ? host->output : nothing, control, -1, host->pidfd};
  struct program program = {
      .path = (u64)(is_file ? "" : is_init ? "/proc/self/exe" : argv[0]),
      .argv = (u64)(is_init ? argv : argv + 1),
      .envp = (u64)&argv[count],
      .descriptors = (u64)descriptors,
      .file = is_file ? host->init : AT_FDCWD,
      .descriptor_count = is_init ? 6 : 3,
  };
  long child = start_program(&program, 0, NULL);
  sys_close(nothing);
  return child;
}

static long write_proc(const struct host *host, const struct host_step *step) {
  char path[32];
  append_number(append(path, "/proc/"), (u64)host->pid);
  const char *name = words_of(host, step), *text = name + string_length(name) + 1;
  long folder = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return folder;
  long file = sys_openat((int)folder, name, O_WRONLY | O_CLOEXEC, 0);
  sys_close((int)folder);
  if (file < 0) return file;
  long wrote = sys_write((int)file, text, string_length(text));
  sys_close((int)file);
  return wrote < 0 ? wrote : 0;
}

/* Waits for all programs that run side by side, up to this step. Of those that fail the first counts. */
static long collect_programs(struct host *host, u32 last) {
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

static long run_beside(struct host *host, u32 index) {
  struct host_step *step = steps_of(host) + index;
  long pid = start_words(host, step, -1);
  if (pid < 0) return pid;
  step->result = (s32)pid;
  int has_next = index + 1 < host->count && step[1].kind == HOST_RUN;
  return has_next ? 0 : collect_programs(host, index);
}

/* It reports a failure, or closes its end of the socket when it is ready. */
static long start_and_wait(struct host *host, struct host_step *step) {
  int ends[2];
  long error = sys_socketpair(ends);
  if (error < 0) return error;
  long pid = start_words(host, step, ends[1]);
  sys_close(ends[1]);
  struct report message = {.kind = 0};
  long size = 0;
  if (pid > 0) {
    step->result = (s32)pid;
    error = wait_readable(host, ends[0]);
    if (!error) size = sys_receive(ends[0], &message, sizeof message, MSG_DONTWAIT);
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

static long shift_ids(int mount, int users, u64 attributes, int is_deep) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP | attributes, .userns_fd = (u64)users};
  return SYSCALL5(__NR_mount_setattr, mount, "", AT_EMPTY_PATH | (is_deep ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

/* In a user namespace nobody may shift the ids of the host's files (mount_setattr(2), MOUNT_ATTR_IDMAP), so a detached copy
 * of the mount is made here, and sent as a descriptor: PID 1 has only to attach it. Where the kernel or a file system cannot
 * shift ids, the mount is sent as it is, unless it is needed otherwise. */
static long hand_mount(const struct host *host, struct host_step *step) {
  if (host->users < 0) return IS_GONE;
  int is_deep = (step->detail & HAND_DEEP) != 0;
  s32 outcome = HANDED_WHOLE;
  long mount = SYSCALL3(__NR_open_tree, AT_FDCWD, words_of(host, step), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (is_deep ? AT_RECURSIVE : 0));
  if (mount < 0) return mount;
  /* Who is root in the container owns the devices of root's that lie there. */
  u64 attributes = step->detail & HAND_DEVICES ? 0 : MOUNT_ATTR_NODEV;
  long error = shift_ids((int)mount, host->users, attributes, is_deep);
  if (error < 0 && is_deep) { /* something is mounted below whose file system cannot do it */
    outcome = HANDED_TOP_ONLY;
    error = shift_ids((int)mount, host->users, attributes, 0);
  }
  if (error < 0) outcome = HANDED_PLAIN;
  if (error >= 0 || !(step->detail & HAND_NEEDED)) error = send_descriptor(host->control, (int)mount);
  sys_close((int)mount);
  if (error == -EPIPE || error == -ECONNRESET) return IS_GONE;
  step->result = outcome;
  return error < 0 ? error : 0;
}

static long do_step(struct host *host, u32 index) {
  struct host_step *step = steps_of(host) + index;
  switch (step->kind) {
    case HOST_WRITE:
      return write_proc(host, step);
    case HOST_RUN:
      return run_beside(host, index);
    case HOST_START:
      return start_and_wait(host, step);
    case HOST_RESUME:
      return sys_send(host->control, (char[]){WORD_RESUME}, 1, 0) < 0 ? IS_GONE : 0;
    default:
      return hand_mount(host, step);
  }
}

static void undo_step(struct host_step *step, int is_patient) {
  if ((step->kind != HOST_START && step->kind != HOST_RUN) || step->result <= 0) return;
  end_program(step->result, is_patient && step->kind == HOST_START ? step->detail : 0);
  step->result = 0;
}

/* From the last to the first. `is_patient`: what goes on gets the time to end by itself that its step grants it. */
void undo_host_steps(struct host *host, int is_patient) {
  for (u32 i = host->count; i > 0; i--) undo_step(steps_of(host) + i - 1, is_patient);
}

/* Returns 0 when all are done; else -errno, `host` says what has failed, and what was done before is undone. */
int run_host_steps(struct host *host) {
  struct host_step *steps = steps_of(host);
  long outcome = 0;
  for (u32 i = 0; i < host->count; i++) steps[i].result = 0;
  for (u32 i = 0; i < host->count && outcome == 0; i++) {
    host->failed = i, host->detail = -1;
    outcome = do_step(host, i);
  }
  if (outcome >= 0) return 0;
  host->error = outcome == -ECHILD ? 0 : (s32)-outcome;
  undo_host_steps(host, 0);
  return (int)outcome;
}

/* A child has been reaped: it is nothing that would have to be ended any more. */
void host_program_ended(struct host *host, int pid) {
  struct host_step *steps = steps_of(host);
  for (u32 i = 0; i < host->count; i++)
    if (steps[i].kind == HOST_START && steps[i].result == pid) steps[i].result = 0;
}
