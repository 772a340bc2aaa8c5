/* Makes a container and starts it, as src/container/run.ts does in the foreground, and start.ts with a monitor of its own. */
#include "front.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

/* How long a monitor gets to clean up, in ms: background.ts. */
enum { GIVE_UP_MS = 2000, EXEC_FAILED_MS = 5000 };

/* A run while it is made. */
struct running {
  const struct template *template;
  const struct run_template *run;
  const struct process_request *process;
  struct created created;
  struct launch launch;
  struct builder monitor;
};

static int open_user_namespace(int pid) {
  char path[48];
  append(append_number(append(path, "/proc/"), (u64)pid), "/ns/user");
  return (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static int open_events(int data) { return (int)sys_openat(data, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600); }

static struct host host_of(const struct running *running) {
  const struct monitor *monitor = (const struct monitor *)running->monitor.data;
  return (struct host){.blob = (u64)monitor, .size = running->monitor.size, .steps = monitor->host_steps, .count = monitor->host_step_count,
                       .pid = running->launch.pid, .pidfd = running->launch.pidfd, .control = running->launch.control, .holder = -1,
                       .userns = -1, .output = -1, .starter = -1, .init = running->launch.init};
}

/* In the foreground this process becomes the monitor. */
static void run_in_foreground(struct running *running, char **envp) {
  struct launch *launch = &running->launch;
  u32 flags = running->run->flags;
  launch->plan = fill_plan(running->template, running->process, envp);
  struct launch_wishes wishes = {.join = -1, .clone_flags = running->run->clone_flags, .is_terminal = (flags & RUN_TERMINAL) != 0,
                                 .is_carried = !(flags & RUN_TERMINAL), .is_logged = 1, .has_input = (flags & RUN_INTERACTIVE) != 0};
  if (launch->plan < 0 || !launch_init(launch, &wishes)) return;
  fault_point("PID 1 started");
  struct host host = host_of(running);
  if (check_host(&host) && run_host_steps(&host) == 0) {
    fault_point("host steps done");
    if (wait_until_ready(launch)) {
      struct monitor_files files = {.folder = running->created.folder, .lock = running->created.lock, .events = open_events(running->created.data),
                                    .userns = flags & RUN_USERNS ? open_user_namespace(launch->pid) : -1,
                                    .reads_input = (flags & (RUN_INTERACTIVE | RUN_TERMINAL)) != 0};
      fault_point("ready");
      ((struct monitor *)running->monitor.data)->pid = launch->pid;
      files.blob = blob_file(&running->monitor, "foster-monitor");
      fault_point("about to become the monitor");
      if (files.blob >= 0) become_monitor(launch, &files);
    }
    undo_host_steps(&host, 0);
  }
  abandon(launch);
}

/* Starts the monitor, which starts the container. Our end of the socket to it becomes `control`. */
static int start_monitor(struct running *running, char **envp) {
  struct launch *launch = &running->launch;
  int session[2];
  s32 descriptors[FD_SUPERVISOR_END];
  for (int i = 0; i < FD_SUPERVISOR_END; i++) descriptors[i] = i < 3 ? nothing : -1;
  if (sys_socketpair(session) < 0) return 0;
  launch->control = session[0], descriptors[FD_CONTROL] = session[1];
  descriptors[FD_BLOB] = blob_file(&running->monitor, "foster-monitor");
  descriptors[FD_PLAN] = fill_plan(running->template, running->process, envp);
  descriptors[FD_DIRECTORY] = running->created.folder, descriptors[FD_LOCK] = running->created.lock;
  descriptors[FD_EVENTS] = open_events(running->created.data);
  if (descriptors[FD_BLOB] < 0 || descriptors[FD_PLAN] < 0) return 0;
  const char *argv[] = {"foster-init", "monitor", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors,
                            .file = launch->init, .descriptor_count = FD_SUPERVISOR_END};
  launch->pid = (int)start_program(&program, 0, &launch->pidfd);
  sys_close(session[1]);
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

/* The container ends with us, and its terminal has the size of ours before its program starts: attach.ts. */
static int connect_client(const struct running *running) {
  struct { unsigned short family; char path[108]; } address = {.family = AF_UNIX};
  unsigned short window[4];
  char message[5] = {ATTACH_WINDOW};
  int client = (int)SYSCALL3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0);
  append(append_number(append(address.path, "/proc/self/fd/"), (u64)running->created.folder), "/attach");
  if (client < 0 || SYSCALL3(__NR_connect, client, &address, sizeof address) < 0) return -1;
  if (sys_send(client, (char[]){ATTACH_OWNER}, 1, 0) < 0) return -1;
  if (sys_ioctl(0, TIOCGWINSZ, window) < 0) return client;
  memcpy(message + 1, window, 4);
  return sys_send(client, message, sizeof message, 0) < 0 ? -1 : client;
}

static _Noreturn void become_client(const struct running *running, int client) {
  u32 flags = running->run->flags;
  char letters[8];
  append(append(append(letters, flags & RUN_TERMINAL ? "t" : ""), flags & RUN_INTERACTIVE ? "i" : ""), "so");
  const char *argv[] = {"foster-init", "attach", letters, template_text(running->template, running->run->keys), NULL};
  s32 descriptors[] = {0, 1, 2, client};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[4], .descriptors = (u64)descriptors,
                            .file = running->launch.init, .descriptor_count = 4};
  become_program(&program);
  sys_exit(125);
}

/* Says why the program could not be executed, as foster does. The container has ended. */
static _Noreturn void fail_to_execute(const struct running *running, long error) {
  const struct monitor *monitor = (const struct monitor *)running->monitor.data;
  const struct failure *failure = (const struct failure *)(running->monitor.data + monitor->failures);
  has_ended(&running->launch, EXEC_FAILED_MS);
  for (u32 i = 0; i < monitor->failure_count; i++, failure++) {
    if (failure->error && failure->error != error) continue;
    const char *text = running->monitor.data + failure->text;
    sys_write(2, text, string_length(text));
    sys_exit(failure->exit_code);
  }
  sys_exit(126);
}

/* From now on the monitor is on its own, and the container is not made again. */
static _Noreturn void start_and_leave(struct running *running, int client) {
  struct report report = {.kind = 0};
  u32 kind;
  sys_send(running->launch.control, (char[]){CONTROL_START}, 1, 0);
  fault_point("told to go");
  do kind = receive(&running->launch, &report);
  while (kind && kind != REPORT_FAILED && kind != REPORT_EXEC_FAILED && kind != REPORT_EXECUTED);
  if (kind == REPORT_EXEC_FAILED) fail_to_execute(running, (long)report.value);
  if (kind == REPORT_FAILED) sys_exit(125);
  if (client >= 0) become_client(running, client);
  if (is_signaled()) sys_block_signals(0), sys_exit(130);
  char line[ID_SIZE + 2];
  append(append(line, running->created.id), "\n");
  sys_write(1, line, ID_SIZE + 1);
  sys_exit(0);
}

static void run_with_monitor(struct running *running, char **envp) {
  int is_attached = running->template->kind == TEMPLATE_RUN_ATTACHED, client = -1;
  if (!start_monitor(running, envp)) return;
  fault_point("monitor started");
  if (wait_until_ready(&running->launch)) {
    fault_point("ready");
    if (is_attached) client = connect_client(running);
    if (!is_attached || client >= 0) start_and_leave(running, client);
  }
  give_up(&running->launch);
}

void run_run(const struct run_request *request, struct template *template, int data, char **envp, int programs) {
  struct process_request process = request->process;
  struct running running = {.template = template, .run = run_part(template), .process = &process,
                            .created = {.data = data, .lock = -1, .folder = -1},
                            .launch = {.init = -1, .plan = 0, .control = -1, .console = -1, .streams = {-1, -1, -1}, .pidfd = -1}};
  process.interactive = (running.run->flags & RUN_INTERACTIVE) != 0;
  if (!prepare_launch(&running.launch, programs)) return;
  if (create_container(template, &running.created, process.command) && fill_monitor(template, &process, running.created.name, &running.monitor)) {
    if (template->kind == TEMPLATE_RUN) run_in_foreground(&running, envp);
    else run_with_monitor(&running, envp);
  }
  remove_created(&running.created);
}
