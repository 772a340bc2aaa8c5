/* Starts foster-init, and becomes the monitor of what it runs: as src/launch and src/container/foreground.ts do. */
#include "front.h"

#include <asm-generic/errno.h>
#include <asm/resource.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/stat.h>

int nothing; /* /dev/null */

/* foster-init, in memory: so /proc/PID/exe in the container names no file of the host. */
static int open_program(int programs) {
  struct stat info;
  int file = (int)sys_openat(programs, "foster-init", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0 || SYSCALL2(__NR_fstat, file, &info) < 0) return -1;
  long at = syscall6(__NR_mmap, 0, info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  sys_close(file);
  return at < 0 && at > -4096 ? -1 : memory_file("foster-init", (const void *)at, (size_t)info.st_size, 1);
}

/* Such a stream need not be carried. */
static int is_nothing(int fd) {
  struct stat info;
  enum { DEV_NULL = 0x103 };
  return SYSCALL2(__NR_fstat, fd, &info) == 0 && (info.st_mode & S_IFMT) == S_IFCHR && info.st_rdev == DEV_NULL;
}

/* A pipe in place of one of the caller's streams; the process may reopen its end, whatever user it becomes: streams.ts. */
static int open_stream(int number, s32 *theirs, int *ours) {
  int ends[2];
  if (SYSCALL2(__NR_pipe2, ends, O_CLOEXEC) < 0) return 0;
  *theirs = ends[number != 0], *ours = ends[number == 0];
  return SYSCALL2(__NR_fchmod, ends[0], 0666) == 0;
}

/* Node gives itself as many descriptors as it may have, and what it starts has them too. */
static void raise_limit(void) {
  u64 limit[2];
  if (SYSCALL4(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, limit) < 0) return;
  limit[0] = limit[1];
  SYSCALL4(__NR_prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
}

/* Returns whether all that it takes is open. */
int prepare_launch(struct launch *launch, int programs) {
  nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  launch->init = open_program(programs);
  raise_limit();
  return nothing >= 0 && launch->init >= 0 && launch->plan >= 0;
}

/* Starts foster-init, which runs the plan. Returns whether it runs. */
int launch_init(struct launch *launch, const struct launch_wishes *wishes) {
  int control[2], console[2] = {-1, -1};
  s32 theirs[PLAN_FD_JOIN + 1] = {nothing, nothing, nothing, -1, launch->plan, -1, -1, -1, wishes->join};
  if (sys_socketpair(control) < 0) return 0;
  launch->control = control[0], theirs[FD_CONTROL] = control[1];
  if (wishes->is_terminal && sys_socketpair(console) < 0) return 0;
  launch->console = console[0], theirs[PLAN_FD_CONSOLE] = console[1];
  for (int i = 0; i < 3; i++) {
    int is_wanted = wishes->is_carried && (i || wishes->has_input), must = i && wishes->is_logged;
    if (is_wanted && (must || !is_nothing(i)) && !open_stream(i, &theirs[i], &launch->streams[i])) return 0;
  }
  int ends[] = {theirs[0], theirs[1], theirs[2], control[1], console[1]};
  const char *argv[] = {"foster-init", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[1], .descriptors = (u64)theirs, .file = launch->init,
                            .descriptor_count = PLAN_FD_JOIN + 1, .is_privileged = (wishes->clone_flags & CLONE_NEWUSER) != 0};
  launch->pid = (int)start_program(&program, wishes->clone_flags, &launch->pidfd);
  for (int i = 0; i < 5; i++)
    if (ends[i] >= 0 && ends[i] != nothing) sys_close(ends[i]);
  return launch->pid > 0;
}

/* A signal that ends us is waiting. */
int is_signaled(void) {
  sigset pending = 0;
  SYSCALL2(__NR_rt_sigpending, &pending, 8);
  return (pending & (signal_bit(SIGHUP) | signal_bit(SIGINT) | signal_bit(SIGQUIT) | signal_bit(SIGTERM))) != 0;
}

/* Returns 0 at the end of the reports, or when a signal came. */
u32 receive(struct launch *launch, struct report *report) {
  struct pollfd poll = {.fd = launch->control, .events = POLLIN};
  s64 while_waiting[2] = {0, 100000000};
  for (;;) {
    if (is_signaled()) return 0;
    if (SYSCALL5(__NR_ppoll, &poll, 1, while_waiting, NULL, 8) <= 0) continue;
    return receive_message(launch->control, report, sizeof *report, 0) == sizeof *report ? report->kind : 0;
  }
}

/* It continues as another child of ours, inside the PID namespace. */
static int follow(struct launch *launch, int pid) {
  SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  sys_close(launch->pidfd);
  launch->pid = pid, launch->pidfd = (int)SYSCALL2(__NR_pidfd_open, pid, 0);
  return launch->pidfd >= 0;
}

static int wait_for(struct launch *launch, u32 wanted) {
  for (struct report report;;) {
    u32 kind = receive(launch, &report);
    switch (kind) {
      case REPORT_REFORKED:
        if (!follow(launch, (int)report.value)) return 0;
        break;
      case 0:
      case REPORT_FAILED:
        return 0;
      default:
        break;
    }
    if (kind == wanted) return 1;
  }
}

int wait_until_ready(struct launch *launch) { return wait_for(launch, REPORT_READY); }

/* PID 1 of a container in networks makes its namespaces itself, and continues in a child. */
int wait_for_refork(struct launch *launch) { return wait_for(launch, REPORT_REFORKED); }

/* Kills what was started. */
void abandon(struct launch *launch) {
  if (launch->pid > 0) {
    SYSCALL4(__NR_pidfd_send_signal, launch->pidfd, SIGKILL, NULL, 0);
    SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  }
}

/* Returns only if it fails. */
void become_monitor(struct launch *launch, const struct monitor_files *files) {
  s32 descriptors[FD_SUPERVISOR_END];
  for (int i = 0; i < FD_SUPERVISOR_END; i++) descriptors[i] = -1;
  descriptors[0] = files->reads_input ? 0 : nothing, descriptors[1] = 1, descriptors[2] = 2;
  descriptors[FD_CONTROL] = launch->control, descriptors[FD_BLOB] = files->blob;
  descriptors[FD_PIDFD] = launch->pidfd, descriptors[FD_CONSOLE] = launch->console;
  descriptors[FD_DIRECTORY] = files->folder, descriptors[FD_USERNS] = files->userns, descriptors[FD_LOCK] = files->lock;
  descriptors[FD_EVENTS] = files->events, descriptors[FD_JOINED] = files->joined, descriptors[FD_NETWORK] = files->network;
  for (int i = 0; i < 3; i++) descriptors[FD_INPUT + i] = launch->streams[i];
  const char *argv[] = {"foster-init", "monitor", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors,
                            .file = launch->init, .descriptor_count = FD_SUPERVISOR_END};
  become_program(&program);
}
