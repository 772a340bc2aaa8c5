/* Starts PID 1 of a detached container: a clone into new namespaces, host steps, a plan. In the foreground, TypeScript does
 * the same. A restart has to work when no TypeScript runs any more. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

/* A pipe that the process may reopen as /dev/stdout, whatever user it becomes. No other process can: the only path to it is
 * /proc/PID/fd of a process that has it. */
long open_pipe(int ends[2]) {
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

/* Moves a descriptor to a number of its own. */
void set_descriptor(long fd, int number) {
  if (fd < 0 || fd == number) return;
  SYSCALL3(__NR_dup3, fd, number, O_CLOEXEC);
  sys_close((int)fd);
}

/* Starts foster-init in new namespaces, to run a plan. It executes anew, so that its memory belongs to its own user
 * namespace: otherwise the monitor might not enter its namespaces, setns(2). Returns the pid, or -errno. */
long start_plan(s32 *descriptors, s32 count, u64 clone_flags, s32 *pidfd) {
  const char *argv[] = {"foster-init", NULL};
  struct program program = {.path = (u64)"/proc/self/exe", .argv = (u64)argv, .envp = (u64)&argv[1], .descriptors = (u64)descriptors,
                            .file = AT_FDCWD, .descriptor_count = count, .is_privileged = (clone_flags & CLONE_NEWUSER) != 0};
  return start_program(&program, clone_flags, pidfd);
}

/* `ends`: PID 1's ends of the control socket, of the terminal's socket, and of the pipes for 0, 1 and 2; -1 for none. */
static long start_init(const struct monitor *monitor, const int ends[5], s32 *pidfd) {
  s32 streams[3] = {0, 1, 2}; /* our own are /dev/null */
  for (int i = 0; i < 3; i++)
    if (ends[2 + i] >= 0) streams[i] = ends[2 + i];
  s32 descriptors[PLAN_FD_KEPT + MAX_KEPT] = {streams[0], streams[1], streams[2], ends[0], FD_PLAN, ends[1],
                                              -1, -1, monitor->flags & MONITOR_JOINS ? FD_JOINED : -1};
  s32 count = PLAN_FD_JOIN + 1;
  if (monitor->kept && !run.restarts) {
    while (count < PLAN_FD_KEPT) descriptors[count++] = -1;
    for (u32 i = 0; i < monitor->kept; i++) descriptors[count++] = FD_SUPERVISOR_END + (s32)i;
  }
  return start_plan(descriptors, count, monitor->clone_flags, pidfd);
}

/* A nested PID 1 makes its namespaces by unshare(2), and continues as a child in its PID namespace. Host steps must wait until
 * then. */
static long follow_refork(struct started *started) {
  struct report report;
  for (;;) {
    long size = receive_message(started->control, &report, sizeof report, 0);
    if (size == -EINTR) continue;
    if (size != sizeof report) return -EPIPE;
    if (report.kind == REPORT_FAILED) {
      started->failed_step = report.index;
      return -report.value;
    }
    if (report.kind != REPORT_REFORKED) {
      notify_starter(&report);
      continue;
    }
    SYSCALL4(__NR_wait4, started->pid, NULL, 0, NULL);
    started->pid = (int)report.value;
    set_descriptor(SYSCALL2(__NR_pidfd_open, started->pid, 0), FD_PIDFD);
    return 0;
  }
}

/* Returns 0 when PID 1 runs its plan. Otherwise returns -errno, and `started->failed_step` is the step that failed. */
long start_container(const struct monitor *monitor, struct started *started, struct host *host) {
  int terminal = (monitor->flags & MONITOR_TERMINAL) != 0, interactive = (monitor->flags & MONITOR_INTERACTIVE) != 0;
  int control[2], console[2] = {-1, -1}, input[2] = {-1, -1}, output[2] = {-1, -1}, error[2] = {-1, -1};
  *started = (struct started){.control = -1, .console = -1, .input = -1, .output = -1, .error = -1, .failed_step = CLONE_STEP};
  long failed = sys_socketpair(control);
  if (terminal && !failed) failed = sys_socketpair(console);
  if (!terminal && !failed && !(failed = open_pipe(output))) failed = open_pipe(error);
  if (!terminal && !failed && interactive) failed = open_pipe(input);
  if (failed) return failed;

  s32 pidfd = -1;
  const int theirs[] = {control[1], console[1], input[0], output[1], error[1]};
  long pid = start_init(monitor, theirs, &pidfd);
  close_all(theirs, 5);
  if (pid < 0) {
    close_all((int[]){input[1], output[0], error[0], control[0], console[0]}, 5);
    return pid;
  }
  set_descriptor(pidfd, FD_PIDFD);
  set_nonblocking(input[1]), set_nonblocking(output[0]), set_nonblocking(error[0]);
  *started = (struct started){.pid = (int)pid, .control = control[0], .console = console[0], .input = input[1], .output = output[0],
                              .error = error[0]};
  if (monitor->flags & MONITOR_NESTED && (failed = follow_refork(started)) < 0) return failed;
  /* With MONITOR_SEEN, FD_USERNS is the other container's from the beginning. */
  if (monitor->clone_flags & CLONE_NEWUSER || (monitor->flags & (MONITOR_NESTED | MONITOR_SEEN)) == MONITOR_NESTED)
    set_descriptor(open_user_namespace(started->pid), FD_USERNS);
  host->pid = run.links.pid = started->pid, host->pidfd = run.links.pidfd = FD_PIDFD, host->control = control[0];
  failed = run_host_steps(&run.links);
  if (!failed) failed = run_host_steps(host);
  started->failed_step = HOST_STEP + host->failed;
  return failed;
}

void close_started(struct started *started) {
  close_all((int[]){started->control, started->console, started->input, started->output, started->error}, 5);
  *started = (struct started){.control = -1, .console = -1, .input = -1, .output = -1, .error = -1};
}
