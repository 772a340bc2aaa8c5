/* Starts PID 1 of a detached container. In the foreground TypeScript does this; here it has to work again, after a
 * restart, when there is no TypeScript any more. What is done is the same: a clone into new namespaces, id maps, a plan. */
#include "capabilities.h"
#include "hand-mount.h"
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#define MAX_WORDS (3 * MAX_MAP_LINES + 2)

static void take_place(int from, int to) {
  if (from == to) return;
  if (from >= 0)
    SYSCALL3(__NR_dup3, from, to, 0);
  else
    sys_close(to);
}

/* In the child. Our own 0, 1 and 2 are /dev/null. What we were given lies above FD_SUPERVISOR_END, so that nothing is
 * overwritten before it is moved. */
static _Noreturn void become_container(const struct monitor *monitor, int input, int output, int error, int control,
                                       int console) {
  take_place(input, 0);
  take_place(output, 1);
  take_place(error, 2);
  take_place(FD_PLAN, FD_BLOB);
  take_place(monitor->flags & MONITOR_JOINS ? FD_JOINED : -1, PLAN_FD_JOIN);
  take_place(control, FD_CONTROL);
  take_place(console, PLAN_FD_CONSOLE);
  for (int fd = PLAN_FD_CONSOLE + 1; fd < PLAN_FD_JOIN; fd++) sys_close(fd);
  sys_close_range(PLAN_FD_JOIN + 1);
  /* Executed anew, so that its memory belongs to its own user namespace: else not even we may look into it, setns(2). */
  if (monitor->clone_flags & CLONE_NEWUSER) keep_capabilities();
  const char *argv[] = {"foster-init", NULL}, *environment[] = {NULL};
  SYSCALL3(__NR_execve, "/proc/self/exe", argv, environment);
  sys_exit(125);
}

/* newuidmap(1) or newgidmap(1). `words`: its path, its name, then what follows the pid. Returns its pid. */
static int start_helper(const char *words, int pid) {
  long child = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (child) return (int)child;
  char number[24];
  append_number(number, (u64)pid);
  const char *path = words, *argv[MAX_WORDS + 1], *environment[] = {NULL};
  int count = 0;
  for (const char *word = words + string_length(words) + 1; *word; word += string_length(word) + 1) {
    if (count == MAX_WORDS) sys_exit(127); /* some of the ids would be missing */
    argv[count++] = word;
    if (count == 1) argv[count++] = number;
  }
  argv[count] = NULL;
  sys_close_range(3);
  sys_block_signals(0);
  SYSCALL3(__NR_execve, path, argv, environment);
  sys_exit(127);
}

static int write_proc(int pid, const char *name, const char *text) {
  char path[48];
  append(append(append_number(append(path, "/proc/"), (u64)pid), "/"), name);
  long fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return (int)fd;
  long wrote = sys_write((int)fd, text, string_length(text));
  sys_close((int)fd);
  return wrote < 0 ? (int)wrote : 0;
}

static int map_ids(const struct monitor *monitor, int pid) {
  static const char *const files[2] = {"uid_map", "gid_map"};
  int helpers[2] = {0, 0}, failed = 0;
  if (monitor->flags & MONITOR_DENY_SETGROUPS) write_proc(pid, "setgroups", "deny");
  for (int i = 0; i < 2; i++) {
    if (monitor->map_helpers[i])
      helpers[i] = start_helper((const char *)monitor + monitor->map_helpers[i], pid);
    else if (monitor->maps[i] && write_proc(pid, files[i], (const char *)monitor + monitor->maps[i]) < 0)
      failed = 1;
  }
  for (int i = 0; i < 2; i++) {
    int status = 0;
    if (helpers[i] < 0 || (helpers[i] > 0 && SYSCALL4(__NR_wait4, helpers[i], &status, 0, NULL) < 0) || status) failed = 1;
  }
  return failed ? -EPERM : 0;
}

/* One that the process may open once more as /dev/stdout, whatever user it becomes. Nobody else can: there is no way to it
 * but /proc/PID/fd of one who has it. */
static long open_pipe(int ends[2]) {
  long error = SYSCALL2(__NR_pipe2, ends, O_CLOEXEC);
  return error < 0 ? error : SYSCALL2(__NR_fchmod, ends[0], 0666);
}

static void close_all(const int *descriptors, int count) {
  for (int i = 0; i < count; i++)
    if (descriptors[i] >= 0) sys_close(descriptors[i]);
}

static void set_nonblocking(int fd) {
  if (fd >= 0) SYSCALL3(__NR_fcntl, fd, F_SETFL, SYSCALL2(__NR_fcntl, fd, F_GETFL) | O_NONBLOCK);
}

static void keep_user_namespace(int pid) {
  char path[48];
  append(append_number(append(path, "/proc/"), (u64)pid), "/ns/user");
  long user = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (user < 0) return;
  SYSCALL3(__NR_dup3, user, FD_USERNS, O_CLOEXEC);
  if (user != FD_USERNS) sys_close((int)user);
}

/* Once its ids are mapped; PID 1 takes them one after the other. */
static long hand_mounts(const struct monitor *monitor, struct started *started) {
  const char *blob = (const char *)monitor;
  const struct handed *handed = (const struct handed *)(blob + monitor->handed);
  for (u32 i = 0; i < monitor->handed_count; i++) {
    long outcome = hand_mount(started->control, FD_USERNS, blob + handed[i].path, handed[i].flags);
    if (outcome == -EPIPE || outcome == -ECONNRESET) return 0; /* PID 1 has failed, and has said at what */
    started->failed_step = HANDED_STEP + i;
    if (outcome < 0) return outcome;
    if (outcome != HANDED_WHOLE) report(REPORT_HANDED, i, outcome, 0, NULL);
  }
  return 0;
}

/* Returns -errno, with `started->failed_step` saying at what, or 0 with PID 1 on its way through its plan. */
long start_container(const struct monitor *monitor, struct started *started) {
  int terminal = (monitor->flags & MONITOR_TERMINAL) != 0, interactive = (monitor->flags & MONITOR_INTERACTIVE) != 0;
  int control[2], console[2] = {-1, -1}, input[2] = {-1, -1}, output[2] = {-1, -1}, error[2] = {-1, -1};
  *started = (struct started){.control = -1, .console = -1, .input = -1, .output = -1, .error = -1, .failed_step = CLONE_STEP};
  long failed = sys_socketpair(control);
  if (terminal && !failed) failed = sys_socketpair(console);
  if (!terminal && !failed && !(failed = open_pipe(output))) failed = open_pipe(error);
  if (!terminal && !failed && interactive) failed = open_pipe(input);
  if (failed) return failed;

  int pidfd = -1;
  long pid = SYSCALL5(__NR_clone, monitor->clone_flags | CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
  if (pid == 0) {
    become_container(monitor, input[0] >= 0 ? input[0] : 0, terminal ? 1 : output[1], terminal ? 2 : error[1],
                     control[1], console[1]);
  }
  close_all((int[]){input[0], output[1], error[1], control[1], console[1]}, 5);
  if (pid < 0) {
    close_all((int[]){input[1], output[0], error[0], control[0], console[0]}, 5);
    return pid;
  }
  SYSCALL3(__NR_dup3, pidfd, FD_PIDFD, O_CLOEXEC);
  if (pidfd != FD_PIDFD) sys_close(pidfd);
  set_nonblocking(input[1]), set_nonblocking(output[0]), set_nonblocking(error[0]);
  *started = (struct started){.pid = (int)pid, .control = control[0], .console = console[0], .input = input[1], .output = output[0],
                              .error = error[0], .failed_step = MAPS_STEP};
  if (monitor->clone_flags & CLONE_NEWUSER) {
    keep_user_namespace((int)pid);
    failed = map_ids(monitor, (int)pid);
    if (failed) return failed;
  }
  if (monitor->storage) {
    long storage = start_storage(monitor, &started->failed_step);
    if (storage < 0) return storage;
    started->storage = (int)storage;
  }
  if (monitor->storage || monitor->clone_flags & CLONE_NEWUSER) sys_write(started->control, (char[]){SAY_MAPPED}, 1);
  return hand_mounts(monitor, started);
}

void end_started(struct started *started) {
  close_all((int[]){started->control, started->console, started->input, started->output, started->error}, 5);
  *started = (struct started){.control = -1, .console = -1, .input = -1, .output = -1, .error = -1};
}
