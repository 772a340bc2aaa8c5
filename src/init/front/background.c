/* Starts a container with a monitor of its own, as src/container/background.ts and start.ts do. */
#include "record.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

/* How long a monitor gets to clean up, in ms: background.ts. */
enum { GIVE_UP_MS = 2000, EXEC_FAILED_MS = 5000 };

/* What the monitor runs to check the container's health, or -1. */
static int health_file(const struct template *template) {
  return template->health_size ? memory_file("foster-health", (const char *)template + template->health, template->health_size, 0) : -1;
}

int joined_by(const struct running *running) { return running->pod ? running->pod->infra.pidfd : running->network->holder; }

/* Starts the monitor, which starts the container, or the process that joins one and has that client. Our end of the socket to it becomes
 * `control`. */
static int start_monitor(struct running *running, int client, char **envp) {
  struct launch *launch = &running->launch;
  int session[2];
  s32 descriptors[FD_SUPERVISOR_END];
  for (int i = 0; i < FD_SUPERVISOR_END; i++) descriptors[i] = i < 3 ? nothing : -1;
  if (sys_socketpair(session) < 0) return 0;
  launch->control = session[0], descriptors[FD_CONTROL] = session[1];
  descriptors[FD_BLOB] = blob_file(&running->monitor, "foster-monitor");
  descriptors[FD_PLAN] = fill_plan(running->template, running->process, running->values, envp);
  descriptors[FD_CHECKS] = health_file(running->template);
  if (running->joined) {
    descriptors[FD_JOINED] = running->joined->pidfd, descriptors[FD_CLIENT] = client;
  } else {
    descriptors[FD_DIRECTORY] = running->folder, descriptors[FD_LOCK] = running->lock;
    descriptors[FD_EVENTS] = open_events(running->data);
    descriptors[FD_JOINED] = joined_by(running), descriptors[FD_HOLDER] = running->network->holder, descriptors[FD_NETWORK] = running->network->holder_lock;
  }
  if (descriptors[FD_BLOB] < 0 || descriptors[FD_PLAN] < 0 || (running->template->health_size && descriptors[FD_CHECKS] < 0)) return 0;
  const char *argv[] = {"foster-init", "monitor", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors,
                            .file = launch->init, .descriptor_count = FD_SUPERVISOR_END};
  launch->pid = (int)start_program(&program, 0, &launch->pidfd);
  sys_close(session[1]);
  if (client >= 0) sys_close(client);
  return launch->pid > 0;
}

static int has_ended(const struct launch *launch, s64 within_ms) {
  struct pollfd poll = {.fd = launch->pidfd, .events = POLLIN};
  s64 time[2] = {within_ms / 1000, within_ms % 1000 * 1000000};
  return SYSCALL5(__NR_ppoll, &poll, 1, time, NULL, 8) > 0;
}

/* Ends the monitor, and its container with it, before the program runs. */
static void give_up(struct launch *launch) {
  if (launch->pid <= 0) return;
  sys_close(launch->control); /* then it ends the container, and cleans up */
  if (!has_ended(launch, GIVE_UP_MS)) SYSCALL4(__NR_pidfd_send_signal, launch->pidfd, SIGKILL, NULL, 0);
  SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
}

/* Of a run, the container ends with us, and its terminal has the size of ours before its program starts: attach.ts. */
static int greet(const struct running *running, int client) {
  unsigned short window[4];
  char message[5] = {ATTACH_WINDOW};
  if (sys_send(client, (char[]){running->is_owner ? ATTACH_OWNER : ATTACH_ALL}, 1, 0) < 0) return -1;
  if (!running->is_owner || sys_ioctl(0, TIOCGWINSZ, window) < 0) return client;
  memcpy(message + 1, window, 4);
  return sys_send(client, message, sizeof message, 0) < 0 ? -1 : client;
}

static int connect_client(const struct running *running) {
  struct { unsigned short family; char path[108]; } address = {.family = AF_UNIX};
  int client = (int)SYSCALL3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0);
  append(append_number(append(address.path, "/proc/self/fd/"), (u64)running->folder), "/attach");
  if (client < 0 || SYSCALL3(__NR_connect, client, &address, sizeof address) < 0) return -1;
  return greet(running, client);
}

static _Noreturn void become_client(const struct running *running, int client) {
  u32 flags = running->run ? running->run->flags : RUN_TERMINAL | RUN_INTERACTIVE;
  char letters[8];
  char *end = append(append(letters, flags & RUN_TERMINAL ? "t" : ""), flags & RUN_INTERACTIVE && running->process->interactive ? "i" : "");
  append(append(append(end, "s"), running->is_owner ? "o" : ""), running->joined ? "p" : "");
  const char *argv[] = {"foster-init", "attach", letters, template_text(running->template, running->template->keys), NULL};
  s32 descriptors[] = {0, 1, 2, client, running->joined ? running->launch.pidfd : -1};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[4], .descriptors = (u64)descriptors,
                            .file = running->launch.init, .descriptor_count = 5};
  become_program(&program);
  sys_exit(125);
}

/* Says why the program could not be executed, as foster does. The container has ended. Returns the exit code. */
static int fail_to_execute(const struct running *running, long error) {
  const struct monitor *monitor = (const struct monitor *)running->monitor.data;
  const struct failure *failure = (const struct failure *)(running->monitor.data + monitor->failures);
  has_ended(&running->launch, EXEC_FAILED_MS);
  for (u32 i = 0; i < monitor->failure_count; i++, failure++) {
    if (failure->error && failure->error != error) continue;
    const char *text = running->monitor.data + failure->text;
    sys_write(2, text, string_length(text));
    return running->failure_code ? running->failure_code : failure->exit_code;
  }
  return 126;
}

/* Goes on with something else, and notes the highest of the exit codes. */
static void leave(const struct running *running, int exit_code) {
  if (is_signaled()) sys_block_signals(0), sys_exit(130);
  if (running->exit_code && *running->exit_code < exit_code) *running->exit_code = exit_code;
}

/* What this process does not need any more. */
void release_launch(const struct running *running) {
  const struct launch *launch = &running->launch;
  const int files[] = {launch->init, launch->control, launch->pidfd, running->folder, running->lock};
  for (u32 i = 0; i < sizeof files / sizeof *files; i++)
    if (files[i] >= 0) sys_close(files[i]);
}

/* Returns 0 if the program has not been executed and Node can say why; otherwise the monitor is on its own from now on. */
static int start_and_leave(struct running *running, int client) {
  struct report report = {.kind = 0};
  u32 kind;
  sys_send(running->launch.control, (char[]){CONTROL_START}, 1, 0);
  fault_point("told to go");
  do kind = receive(&running->launch, &report);
  while (kind && kind != REPORT_FAILED && kind != REPORT_EXEC_FAILED && kind != REPORT_EXECUTED);
  if (kind == REPORT_FAILED) return 0;
  int exit_code = kind == REPORT_EXEC_FAILED ? fail_to_execute(running, (long)report.value) : 0;
  if (running->is_on_the_way) return leave(running, exit_code), 1;
  if (exit_code) sys_exit(exit_code);
  if (client >= 0) become_client(running, client);
  if (is_signaled()) sys_block_signals(0), sys_exit(130);
  take_signals(); /* who reads may take long */
  if (running->restarted) record_event(running->data, running->restarted, "restart", "");
  char line[MAX_NAME + 2];
  append(append(line, running->printed), "\n");
  sys_exit(print_result(line) ? 0 : running->unsaid_code);
}

/* Starts the monitor, which makes ready what it is to run. */
int begin_with_monitor(struct running *running, char **envp) {
  if (!start_monitor(running, -1, envp)) return 0;
  return fault_point("monitor started"), 1;
}

int finish_with_monitor(struct running *running) {
  int client = -1;
  if (wait_until_ready(&running->launch)) {
    fault_point("ready");
    if (running->is_attached) client = connect_client(running);
    if ((!running->is_attached || client >= 0) && start_and_leave(running, client)) return 1;
  }
  return give_up(&running->launch), 0;
}

void run_with_monitor(struct running *running, char **envp) {
  if (begin_with_monitor(running, envp)) finish_with_monitor(running);
}

/* A process with a terminal that may be left running, as src/container/exec-detachable.ts does. */
void run_detachable(struct running *running, char **envp) {
  int ends[2];
  if (sys_socketpair(ends) < 0 || greet(running, ends[0]) < 0 || !start_monitor(running, ends[1], envp)) return;
  if (wait_until_ready(&running->launch)) {
    append_event(running->data, template_text(running->template, running->template->event), running->values);
    start_and_leave(running, ends[0]);
  }
  give_up(&running->launch);
}
