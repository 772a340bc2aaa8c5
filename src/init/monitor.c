/* The monitor of a container: keeps its log and exit status, forwards signals to PID 1, serves clients that attach. In the
 * background it starts PID 1, and restarts it as the restart policy says (restart.c). In the foreground the foster command
 * has started PID 1 and then become the monitor (caller.c): a Node process in its place would take 45 MB, and could not
 * receive real-time signals at all. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signalfd.h>

#define MAX_DRAINED (1 << 20) /* the capacity of a pipe, at most: pipe(7) */

struct run run;
char buffers[STREAM_COUNT][1 + STREAM_BUFFER] LARGE;

/* Opens /dev/null at the fixed descriptor numbers that are closed, so that no other descriptor gets them. */
static void fill_gaps(void) {
  int nothing = -1;
  for (int fd = FD_CONTROL; fd < FD_SUPERVISOR_END; fd++) {
    if (SYSCALL2(__NR_fcntl, fd, F_GETFD) >= 0) continue;
    if (nothing < 0) nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    if (nothing != fd) SYSCALL3(__NR_dup3, nothing, fd, O_CLOEXEC);
  }
  if (nothing >= FD_SUPERVISOR_END) sys_close(nothing);
}

/* In the background, 0 is /dev/null. */
static void stop_notifying(void) {
  run.has_starter = 0;
  SYSCALL3(__NR_dup3, 0, FD_CONTROL, O_CLOEXEC);
}

void notify_starter(const struct report *message) {
  if (run.has_starter && sys_send(FD_CONTROL, message, sizeof *message, 0) < 0) stop_notifying();
}

static void notify_failure(u32 step, long error, s64 detail) {
  notify_starter(&(struct report){.kind = REPORT_FAILED, .index = step, .value = -error, .extra = detail});
}

void monitor_event(const char *action, const char *attributes) {
  if (run.has_record) state_event(action, monitor_text(run.config->subject), attributes);
}

/* Docker's events `mount` and `unmount` of volumes: at the start of a run, and at its end. */
static void volume_events(int is_end) {
  int is_about_end = 0;
  for (const char *text = monitor_text(run.config->volumes); run.has_record && *text; text += string_length(text) + 1) {
    if (is_about_end == is_end) state_event_line(text);
    is_about_end = !is_about_end;
  }
}

/* Receives all output of the container. */
void keep_output(u8 number, char *data, size_t size) {
  if (!(run.config->flags & MONITOR_UNLOGGED)) log_write(data, size, number);
  attach_send(number == ERROR ? ATTACH_ERROR : ATTACH_OUTPUT, data, size);
}

/* A process that has joined a container, and whose caller we are: nobody else can attach to it. */
static int is_plain_exec(void) { return run.has_caller && !run.has_record; }

/* Without a log, output is observed only while clients are attached. */
static void watch_stream(int number) {
  struct stream *stream = &run.streams[number];
  int is_wanted = !is_plain_exec() && (!(run.config->flags & MONITOR_UNLOGGED) || attach_has_clients());
  if (is_wanted && stream->from >= 0 && !stream->watch) stream_watch(stream, (u8)number, keep_output);
}

void open_stream(int number, int from, int to) {
  stream_open(&run.streams[number], from, to, buffers[number] + 1, run.master >= 0);
  if (number != INPUT) watch_stream(number);
}

static void open_streams(void) {
  int to[STREAM_COUNT] = {-1, run.has_caller ? 1 : -1, run.has_caller ? 2 : -1};
  if (run.config->flags & MONITOR_TERMINAL) {
    run.master = terminal_receive(run.container.console);
    run.container.console = -1;
    open_stream(OUTPUT, run.master, to[OUTPUT]);
  } else {
    if (run.container.output >= 0) open_stream(OUTPUT, run.container.output, to[OUTPUT]);
    if (run.container.error >= 0) open_stream(ERROR, run.container.error, to[ERROR]);
    run.container.output = run.container.error = -1;
  }
  if (run.has_caller) caller_open();
}

/* Returns the number of bytes, or a negative number if the stream has ended. */
static long carry(struct stream *stream, const struct pollfd *polls) {
  long done = stream_carry(stream, polls);
  if (done < 0) handle_end_of_stream(stream, done);
  return done;
}

/* The container has ended, so a signal is for the monitor itself. */
static void handle_last_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(run.signals, &info, sizeof info) != sizeof info) return;
  caller_record_signal((int)info.ssi_signo);
  if (info.ssi_signo == SIGTSTP) sys_kill((int)sys_getpid(), SIGSTOP);
}

/* Carries the output that the container has written so far, but no more than a pipe holds: a process outside of its PID
 * namespace may have received the pipe from it, and write forever. With `waits_for_reader`, it also waits for a slow reader,
 * but not for long once we were asked to exit. */
void drain_output(int waits_for_reader) {
  s64 now[2] = {0, 0}, shortly[2] = {1, 0};
  for (struct stream *stream = &run.streams[OUTPUT]; stream < run.streams + STREAM_COUNT; stream++) {
    for (long carried = 0, done = 0; done >= 0 && carried < MAX_DRAINED; carried += done) {
      int is_waiting = waits_for_reader && stream_has_data(stream);
      struct pollfd polls[3] = {[2] = {.fd = is_waiting ? run.signals : -1, .events = POLLIN}};
      while (stream_poll(stream, polls)) {}
      long ready = SYSCALL5(__NR_ppoll, polls, 3, !is_waiting ? now : caller_wants_exit() ? shortly : NULL, NULL, 8);
      if (ready == 0) break;
      if (ready > 0 && polls[2].revents) handle_last_signal();
      done = ready < 0 ? 0 : carry(stream, polls);
    }
    stream_observe(stream);
  }
}

/* By pidfd, because the pid may have been reused. Signals of a terminal are for a whole job: termios(3), ISIG. */
void signal_container(int signal, int is_for_group) {
  siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
  info.si_int = SIGNAL_TO_GROUP;
  if (is_for_group && !(run.config->flags & MONITOR_SHIM))
    sys_kill(-run.container.pid, signal); /* a program that is PID 1 itself is also the leader of its session */
  else
    SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, signal, is_for_group ? &info : NULL, 0);
}

/* PID 1, and with it everything in its namespace. */
void kill_container(void) { signal_container(SIGKILL, 0); }

/* Milliseconds until the time limit; -1: none. */
static s64 time_left(void) {
  if (run.ends_ms < 0) return -1;
  s64 left = run.ends_ms - now_ms();
  return left < 0 ? 0 : left;
}

static void kill_at_time_limit(void) {
  if (time_left() != 0) return;
  run.ends_ms = -1;
  kill_container();
}

static int input_fd(void) { return run.master >= 0 ? run.master : run.container.input; }

/* Writes clients' input, as much as fits without blocking. */
static void write_client_input(void) {
  attach_write_input(input_fd());
  if (!run.is_input_ending || run.has_caller || run.container.input < 0 || attach_has_input()) return;
  sys_close(run.container.input);
  run.container.input = -1;
}

static void set_window(const char *data) {
  unsigned short window[4] = {0, 0, 0, 0};
  memcpy(window, data, 4);
  if (run.master >= 0) sys_ioctl(run.master, TIOCSWINSZ, window);
}

/* Returns a signal for the container, or 0. */
int serve_client(int index, int *is_for_group) {
  char message[ATTACH_SHORT];
  size_t size = 0;
  switch (attach_receive(index, message, &size)) {
    case ATTACH_INPUT_END:
      run.is_input_ending = 1;
      /* fall through */
    case ATTACH_INPUT:
      write_client_input();
      return 0;
    case ATTACH_WINDOW:
      if (size >= 4 && !run.has_caller) set_window(message); /* in the foreground, the caller's window decides */
      return 0;
    case ATTACH_SIGNAL:
      *is_for_group = size >= 2 && message[1];
      return size >= 1 ? message[0] : 0;
    default:
      return 0;
  }
}

static void serve_clients(const struct pollfd polls[MAX_CLIENTS]) {
  for (int i = 0; i < MAX_CLIENTS; i++) {
    int is_for_group = 0, signal = polls[i].revents && polls[i].fd == attach_client(i) ? serve_client(i, &is_for_group) : 0;
    if (signal) signal_container(signal, is_for_group);
  }
}

static void accept_all(void) {
  for (int i = 0; i < MAX_CLIENTS && attach_accept(); i++) {}
}

/* Removes the container's names when it has ended for good, so that other containers no longer find it. */
static void withdraw_names(void) {
  adopt_next();
  for (const char *path = run.next ? (const char *)run.next + run.next->names : monitor_text(run.config->names); *path; path += string_length(path) + 1)
    SYSCALL3(__NR_unlinkat, AT_FDCWD, path, 0);
}

/* Sends the exit code to all clients, also to those that have just connected. */
void report_exit(int code) {
  withdraw_names();
  accept_all();
  char last[2] = {0, (char)code};
  attach_send(ATTACH_EXIT, last + 1, 1);
}

/* The caller or the owner stops when the container stops, as a shell expects of a job. */
void stop_with_container(void) {
  if (run.has_caller) return caller_stop();
  drain_output(0);
  attach_notify_owner(ATTACH_STOPPED);
}

/* A stop of PID 1 matters only if it is the user's process itself. */
static void reap_children(void) {
  int status = 0, options = WNOHANG | (run.config->flags & MONITOR_SHIM ? 0 : WUNTRACED);
  for (long pid; (pid = SYSCALL4(__NR_wait4, -1, &status, options, NULL)) > 0;) {
    if (is_stopped(status)) {
      if (pid == run.container.pid) stop_with_container();
    } else if (pid == run.container.pid) {
      run.status = status;
    } else {
      host_program_exited(&run.host, (int)pid);
      host_program_exited(&run.links, (int)pid);
      health_child_exited(run.config, (int)pid, status);
      hook_child_exited((int)pid, status);
    }
  }
}

/* Forwards a signal to the container while it runs. Returns the signal, or 0 if it was only for us. */
int handle_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(run.signals, &info, sizeof info) != sizeof info) return 0;
  int signal = (int)info.ssi_signo, is_own = info.ssi_pid == (u32)sys_getpid();
  if (is_own && (signal == SIGPIPE || signal == SIGXFSZ)) return 0; /* caused by a write of our own */
  if (signal == SIGCHLD) return reap_children(), 0;
  caller_record_signal(signal);
  if (signal == SIGTERM) run.is_shutdown = 1;
  /* The kernel then sends SIGWINCH to the container. */
  if (signal == SIGWINCH && run.has_caller && run.master >= 0) return terminal_resize(run.master), 0;
  if (signal == SIGWINCH && !run.has_caller) return 0;
  /* Signals from a terminal are for a whole job, and so is the SIGCONT with which a shell continues it. */
  int is_for_group = run.has_caller && (info.ssi_code == SI_KERNEL || signal == SIGCONT);
  if (run.status == -1) signal_container(signal, is_for_group);
  return signal;
}

enum { POLL_SIGNALS, POLL_OOM, POLL_CONTROL, POLL_STARTER, POLL_JOINED, POLL_INPUT, POLL_LISTENER, POLL_STALLED, POLL_STREAMS };
enum { POLL_CLIENTS = POLL_STREAMS + 2 * STREAM_COUNT, POLL_CHECKS = POLL_CLIENTS + MAX_CLIENTS, POLL_COUNT = POLL_CHECKS + MAX_CHECKS };

/* Of two times, of which -1 means never. */
static s64 sooner(s64 one, s64 other) { return one < 0 || (other >= 0 && other < one) ? other : one; }

/* Waits with poll(2). Returns whether there is something to do. */
static int wait_for_work(struct pollfd polls[POLL_COUNT], int is_control_open) {
  int stalled = attach_stalled(), rests = 0;
  for (int i = 0; i < POLL_COUNT; i++) polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  polls[POLL_SIGNALS].fd = run.signals;
  polls[POLL_OOM] = (struct pollfd){.fd = run.oom_file, .events = POLLPRI};
  for (u32 i = 0; i < MAX_CHECKS; i++) polls[POLL_CHECKS + i].fd = health_output(i);
  polls[POLL_CONTROL].fd = is_control_open ? run.container.control : -1;
  polls[POLL_STARTER].fd = run.has_starter ? FD_CONTROL : -1;
  polls[POLL_JOINED].fd = run.config->joined && !run.has_lost_pod ? FD_JOINED : -1;
  for (int i = 0; i < STREAM_COUNT; i++) {
    struct pollfd *pair = polls + POLL_STREAMS + 2 * i;
    rests |= stream_poll(&run.streams[i], pair);
    if (i != INPUT && stalled >= 0) pair[0].fd = pair[1].fd = -1;
  }
  if (attach_has_input()) polls[POLL_INPUT] = (struct pollfd){.fd = input_fd(), .events = POLLOUT};
  polls[POLL_LISTENER].fd = attach_listener();
  polls[POLL_STALLED] = (struct pollfd){.fd = attach_client(stalled), .events = POLLOUT};
  for (int i = 0; i < MAX_CLIENTS; i++) polls[POLL_CLIENTS + i].fd = attach_client(i);
  s64 due = sooner(sooner(health_due(), end_due()), time_left());
  s64 time[2] = {due / 1000, due % 1000 * 1000000}, rest[2] = {0, STREAM_REST_NS};
  return SYSCALL5(__NR_ppoll, polls, POLL_COUNT, rests ? rest : due < 0 ? NULL : time, NULL, 8) >= 0;
}

/* If the owner was killed, the monitor kills itself; then PID 1 and the janitor end the container. One of a process that has
 * joined a container has to reap it, because nobody else in that PID namespace can. */
static void end_if_abandoned(void) {
  if (!attach_is_abandoned()) return;
  if (run.has_record) sys_kill((int)sys_getpid(), SIGKILL);
  kill_container();
}

/* The container whose namespaces this one shares has ended: its addresses may be given to others. */
static void end_with_pod(void) {
  run.has_lost_pod = 1;
  kill_container();
}

/* Serves the container until PID 1 has ended. */
void serve_run(void) {
  int is_control_open = 1;
  release_stack();
  while (run.status == -1) {
    struct pollfd polls[POLL_COUNT];
    if (!wait_for_work(polls, is_control_open)) continue;
    if (polls[POLL_CONTROL].revents && !handle_report()) {
      is_control_open = 0;
      notify_starter(&(struct report){.kind = REPORT_EXECUTED}); /* without foster-init as PID 1, execve(2) closes the socket */
    }
    if (polls[POLL_OOM].revents) check_oom_kills();
    for (u32 i = 0; i < MAX_CHECKS; i++)
      if (polls[POLL_CHECKS + i].revents) health_read(i);
    if (polls[POLL_STARTER].revents) stop_notifying();
    if (polls[POLL_JOINED].revents) end_with_pod();
    if (polls[POLL_SIGNALS].revents) handle_signal();
    /* Before the output, so that new clients see it. */
    if (polls[POLL_LISTENER].revents && attach_accept()) watch_stream(OUTPUT), watch_stream(ERROR);
    serve_clients(polls + POLL_CLIENTS);
    end_if_abandoned();
    for (int i = 0; i < STREAM_COUNT; i++) carry(&run.streams[i], polls + POLL_STREAMS + 2 * i);
    if (polls[POLL_INPUT].revents) write_client_input();
    health_run(run.config);
    end_run(run.config);
    kill_at_time_limit();
  }
}

/* The starter may have attached already. It sends the size of its terminal, which must be set before the program starts. */
static void serve_first_clients(void) {
  accept_all();
  struct pollfd polls[MAX_CLIENTS];
  s64 now[2] = {0, 0};
  do
    for (int i = 0; i < MAX_CLIENTS; i++) polls[i] = (struct pollfd){.fd = attach_client(i), .events = POLLIN};
  while (SYSCALL5(__NR_ppoll, polls, MAX_CLIENTS, now, NULL, 8) > 0 && (serve_clients(polls), 1));
}

/* Starts PID 1, and waits until it is ready to execute the program. Returns -1 if that failed; then the starter was
 * notified. */
static int start_until_ready(void) {
  run.host.starter = run.restarts ? -1 : FD_CONTROL; /* no command waits for a restart */
  long error = start_container(run.config, &run.container, &run.host);
  if (error < 0) {
    int is_host_step = run.container.failed_step >= HOST_STEP && run.container.failed_step < STATE_STEP;
    notify_failure(run.container.failed_step, is_host_step ? -run.host.error : error, run.host.detail);
    return -1;
  }
  notify_starter(&(struct report){.kind = REPORT_STARTED, .value = run.container.pid});
  const struct host_step *step = (const struct host_step *)monitor_text(run.config->host_steps);
  for (u32 i = 0; i < run.config->host_step_count; i++)
    if (step[i].kind == HOST_HAND && step[i].result != HANDED_WHOLE)
      notify_starter(&(struct report){.kind = REPORT_HANDED, .index = i, .value = step[i].result});
  for (;;) {
    u32 kind = handle_report();
    if (kind == REPORT_READY) break;
    if (kind == REPORT_FAILED || kind == 0) return -1;
  }
  state_remove("paused");
  return 0;
}

/* Only the user's process has them from now on: who reads from the other end of a pipe waits for its end. */
static void close_kept(void) {
  for (u32 i = 0; i < run.config->kept; i++) sys_close(FD_SUPERVISOR_END + (int)i);
}

/* A container must not run unless other commands can find it. */
static int fail_to_record(long error) {
  notify_failure(STATE_STEP, error, 0);
  if (run.has_caller)
    caller_print("foster: cannot record that the container runs; check that the disk is writable and not full\n");
  return -1;
}

/* Returns -1 if the container could not be started; then the starter was notified. */
int start_run(void) {
  run.master = run.status = -1;
  run.exec_code = run.is_set_up = run.is_input_ending = run.has_lost_pod = 0;
  if (!run.has_caller && start_until_ready() < 0) return -1;
  if (!run.restarts) close_kept();
  open_streams();
  if (run.config->flags & MONITOR_MEMBER) members_note(run.container.pid);
  run.is_set_up = 1;
  if (run.restarts) janitor_finish(); /* it has the pidfd of the previous PID 1 */
  janitor_start(run.config);
  if (!run.has_caller && !run.restarts && await_byte(CONTROL_START)) return -1; /* the foster command was killed */
  long error = run.has_record ? state_live(run.container.pid, run.restarts) : 0;
  if (error < 0) return fail_to_record(error);
  if (!run.has_caller) state_remove("exit");
  state_remove("oom");
  if (!run.restarts) state_remove("stays"); /* a command has started it, and not the policy while a restart is just about to stop it */
  if (run.restarts && (error = state_restore_limits()) < 0) return fail_to_record(error);
  begin_oom_watch();
  volume_events(0);
  if (run.has_record) state_network_events("network.connect");
  monitor_event("start", "");
  run.ends_ms = run.config->time_limit ? now_ms() + run.config->time_limit : -1;
  health_start(run.config);
  serve_first_clients();
  sys_write(run.container.control, (char[]){CONTROL_START}, 1);
  hook_start(run.config);
  reap_children(); /* PID 1 may have been killed while Node still got its SIGCHLD */
  return 0;
}

/* Handles the reports that PID 1 has sent before it ended. */
static void handle_last_reports(void) {
  struct pollfd poll = {.fd = run.container.control, .events = POLLIN};
  s64 now[2] = {0, 0};
  while (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLIN && handle_report()) {}
}

/* Reads all remaining output and reports before the container is recorded as ended. Returns its exit code. */
int finish_run(void) {
  if (run.config->flags & MONITOR_MEMBER) members_kill();
  handle_last_reports();
  drain_output(run.has_caller && run.master >= 0);
  health_stop();
  hook_stop();
  end_oom_watch();
  undo_all_host_steps(1);
  terminal_restore();
  attach_write_input(-1);
  int code = run.exec_code ? run.exec_code : exit_code(run.status);
  if (run.has_record) state_ended(code, monitor_text(run.config->subject));
  volume_events(1);
  return code;
}

/* Cleans up after a start that failed. Returns the exit code. */
static int abandon_start(void) {
  SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, SIGKILL, NULL, 0);
  undo_all_host_steps(0); /* comes first: PID 1 cannot be killed while it waits for a FUSE program */
  SYSCALL4(__NR_wait4, run.container.pid, NULL, 0, NULL);
  terminal_restore();
  janitor_finish();
  return COULD_NOT_START;
}

static int run_for_caller(void) {
  if (start_run() < 0) return abandon_start();
  serve_run();
  int code = finish_run();
  report_exit(code);
  janitor_finish();
  /* The container has ended, even if the rest of its output is read later. Who has its folder open is taken for its monitor. */
  sys_close(FD_DIRECTORY), sys_close(FD_LOCK);
  drain_output(1);
  run_last_program(code);
  return caller_exit_code(code);
}

/* Takes over the container from the foster command, which has started it and was replaced by us. */
static void take_over(void) {
  int streams[STREAM_COUNT]; /* -1 for /dev/null */
  for (int i = 0; i < STREAM_COUNT; i++)
    streams[i] = SYSCALL3(__NR_fcntl, FD_INPUT + i, F_SETFL, O_NONBLOCK) < 0 ? -1 : FD_INPUT + i;
  run.container = (struct started){.pid = run.config->pid, .control = FD_CONTROL, .console = FD_CONSOLE, .input = streams[INPUT],
                                    .output = streams[OUTPUT], .error = streams[ERROR]};
}

int run_monitor(void) {
  const struct monitor *config = map_blob(FD_BLOB, sizeof *config);
  sys_close(FD_BLOB);
  if (!config || !check_monitor(config)) return 125;
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-monitor");
  run = (struct run){.config = config, .has_caller = config->pid != 0, .has_starter = config->pid == 0};
  run.has_record = !(config->flags & MONITOR_STATELESS);
  run.host = (struct host){.blob = (u64)config, .size = config->size, .steps = config->host_steps, .count = config->host_step_count,
                            .holder = FD_HOLDER, .userns = FD_USERNS, .output = FD_HOST_OUTPUT, .init = -1};
  sys_close_range(FD_SUPERVISOR_END + config->kept);
  if (run.has_caller) take_over();
  fill_gaps();
  for (int i = 0; i < STREAM_COUNT; i++) stream_close(&run.streams[i]);
  sigset all = ALL_SIGNALS;
  run.signals = (int)SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (run.signals < 0) return 125;
  if (run.has_record) attach_open();
  else if (!run.has_caller) attach_adopt(FD_CLIENT);
  if (run.has_record && !(config->flags & MONITOR_UNLOGGED)) log_open((u64)config->log_max_size * 1024, config->log_max_files);
  note_member();
  return run.has_caller ? run_for_caller() : run_with_restarts();
}
