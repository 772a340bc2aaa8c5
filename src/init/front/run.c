/* Starts the process in the container and becomes its monitor, as src/container/exec.ts does. */
#include "front.h"

#include <asm-generic/errno.h>
#include <asm/resource.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/stat.h>

/* What is open for it. -1: nothing. */
struct launch {
  int init, plan, control, console, streams[3]; /* ours */
  int pid, pidfd;
};

static int nothing; /* /dev/null */

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
static int open_stream(int number, int is_wanted, s32 *theirs, int *ours) {
  int ends[2];
  if (!is_wanted || is_nothing(number)) return 1;
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

static int start(struct launch *launch, const struct exec_request *request, const struct target *target) {
  int control[2], console[2] = {-1, -1}, is_carried = !request->terminal && !request->detached;
  s32 theirs[PLAN_FD_JOIN + 1] = {nothing, nothing, nothing, -1, launch->plan, -1, -1, -1, target->pidfd};
  if (sys_socketpair(control) < 0) return 0;
  launch->control = control[0], theirs[FD_CONTROL] = control[1];
  if (request->terminal && sys_socketpair(console) < 0) return 0;
  launch->console = console[0], theirs[PLAN_FD_CONSOLE] = console[1];
  for (int i = 0; i < 3; i++)
    if (!open_stream(i, is_carried && (i || request->interactive), &theirs[i], &launch->streams[i])) return 0;
  int ends[] = {theirs[0], theirs[1], theirs[2], control[1], console[1]};
  const char *argv[] = {"foster-init", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[1], .descriptors = (u64)theirs, .file = launch->init,
                            .descriptor_count = PLAN_FD_JOIN + 1};
  raise_limit();
  launch->pid = (int)start_program(&program, 0, &launch->pidfd);
  for (int i = 0; i < 5; i++)
    if (ends[i] >= 0 && ends[i] != nothing) sys_close(ends[i]);
  return launch->pid > 0;
}

/* A signal that ends us is waiting. */
static int is_signaled(void) {
  sigset pending = 0;
  SYSCALL2(__NR_rt_sigpending, &pending, 8);
  return (pending & (signal_bit(SIGHUP) | signal_bit(SIGINT) | signal_bit(SIGQUIT) | signal_bit(SIGTERM))) != 0;
}

/* Returns 0 at the end of the reports, or when a signal came. */
static u32 receive(struct launch *launch, struct report *report) {
  struct pollfd poll = {.fd = launch->control, .events = POLLIN};
  s64 while_waiting[2] = {0, 100000000};
  for (;;) {
    if (is_signaled()) return 0;
    if (SYSCALL5(__NR_ppoll, &poll, 1, while_waiting, NULL, 8) <= 0) continue;
    return sys_read(launch->control, report, sizeof *report) == sizeof *report ? report->kind : 0;
  }
}

/* It continues as another child of ours, inside the PID namespace. */
static int follow(struct launch *launch, int pid) {
  SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  sys_close(launch->pidfd);
  launch->pid = pid, launch->pidfd = (int)SYSCALL2(__NR_pidfd_open, pid, 0);
  return launch->pidfd >= 0;
}

static int wait_until_ready(struct launch *launch) {
  for (struct report report;;) {
    switch (receive(launch, &report)) {
      case REPORT_READY:
        return 1;
      case REPORT_REFORKED:
        if (!follow(launch, (int)report.value)) return 0;
        break;
      case REPORT_STEP:
        break;
      default:
        return 0;
    }
  }
}

/* As formatEvent does: white space, `%` and `=` are percent-encoded. */
static char *append_encoded(char *to, const char *text) {
  static const char digits[] = "0123456789abcdef";
  for (; *text; text++) {
    u8 byte = (u8)*text;
    if (byte > ' ' && byte <= '~' && byte != '%' && byte != '=') *to++ = *text;
    else *to++ = '%', *to++ = digits[byte >> 4], *to++ = digits[byte & 15];
  }
  return *to = 0, to;
}

enum { MAX_COMMAND = 1024 /* bytes of it in an event; a longer one is left to Node */ };

static int is_long(char **command) {
  size_t size = 0;
  for (; *command; command++) size += string_length(*command) + 1;
  return size > MAX_COMMAND;
}

static void record_event(const struct target *target, char **command) {
  static char line[64 * 1024 + 3 * MAX_COMMAND + 64];
  const char *event = template_text(target->template, target->template->event);
  if (string_length(event) > 64 * 1024) return;
  char *end = append(append_number(line, (u64)clock_ms()), event);
  for (char **word = command; *word; word++) {
    if (word != command) end = append(end, "%20");
    end = append_encoded(end, *word);
  }
  end = append(end, "\n");
  int file = (int)sys_openat(target->data, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  sys_write(file, line, (size_t)(end - line));
  sys_close(file);
}

/* Kills what was started: Node starts from the beginning. */
static void abandon(struct launch *launch) {
  if (launch->pid > 0) {
    SYSCALL4(__NR_pidfd_send_signal, launch->pidfd, SIGKILL, NULL, 0);
    SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  }
}

static void become_monitor(struct launch *launch, const struct exec_request *request, int blob) {
  int is_reading = request->interactive || request->terminal; /* of a terminal, the monitor sets the modes */
  s32 descriptors[FD_SUPERVISOR_END];
  for (int i = 0; i < FD_SUPERVISOR_END; i++) descriptors[i] = -1;
  descriptors[0] = is_reading ? 0 : nothing, descriptors[1] = 1, descriptors[2] = 2;
  descriptors[FD_CONTROL] = launch->control, descriptors[FD_BLOB] = blob;
  descriptors[FD_PIDFD] = launch->pidfd, descriptors[FD_CONSOLE] = launch->console;
  for (int i = 0; i < 3; i++) descriptors[FD_INPUT + i] = launch->streams[i];
  const char *argv[] = {"foster-init", "monitor", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors,
                            .file = launch->init, .descriptor_count = FD_SUPERVISOR_END};
  become_program(&program);
}

/* Lets the program start. Returns whether it runs; it is then a child of the container's PID 1. */
static int start_detached(struct launch *launch) {
  struct report report = {.kind = 0};
  sys_send(launch->control, (char[]){CONTROL_START}, 1, 0);
  u32 kind = receive(launch, &report); /* its execution closes the socket */
  if (kind == REPORT_EXEC_FAILED || (kind == 0 && is_signaled())) return 0;
  SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  return 1;
}

void run_exec(const struct exec_request *request, const struct target *target, char **envp, int programs) {
  struct launch launch = {.init = -1, .plan = -1, .control = -1, .console = -1, .streams = {-1, -1, -1}, .pidfd = -1};
  if (is_long(request->command) || !can_quote(request->command[0])) return;
  nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  launch.plan = fill_plan(target->template, request, envp);
  launch.init = open_program(programs);
  if (nothing < 0 || launch.plan < 0 || launch.init < 0) return;
  if (start(&launch, request, target) && wait_until_ready(&launch)) {
    record_event(target, request->command);
    if (request->detached && start_detached(&launch)) sys_exit(0);
    int blob = request->detached ? -1 : fill_monitor(target->template, request, launch.pid);
    if (blob >= 0) become_monitor(&launch, request, blob);
  }
  abandon(&launch);
}
