/* The monitor of a detached container: starts PID 1, keeps its log and its exit status, serves those attached to it,
 * and starts it again where its restart policy says so. */
#include "init.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/signalfd.h>

#define SHORTEST_DELAY_MS 100
#define LONGEST_DELAY_MS 60000
#define STEADY_MS 10000 /* who has run for so long is restarted without much delay: Docker's rule */
#define EVENTS_A_SECOND 100
#define COULD_NOT_START 125

enum { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

static const struct monitor *config;
static struct started container;
static int signals;
static int status;    /* of PID 1, as wait4(2) gives it; -1 while it runs */
static int exec_code; /* set when the program could not be executed */
static int master = -1;
static int is_awaited = 1; /* the foster command that started us still listens on FD_CONTROL */
static u32 restarts;
static u64 adopted, reaped;
static int is_set_up; /* from here on programs of the container may speak through its PID 1, were they to trace it */
static int is_input_ending;
static int has_run;

static const char *at(u32 offset) { return (const char *)config + offset; }

/* Puts /dev/null there, so that no other descriptor gets a number that has a meaning of its own. */
static void vacate(int fd) { SYSCALL3(__NR_dup3, 0, fd, O_CLOEXEC); }

static void stop_telling(void) {
  is_awaited = 0;
  vacate(FD_CONTROL);
}

static void tell(const struct report *message) {
  if (!is_awaited) return;
  if (sys_send(FD_CONTROL, message, sizeof *message, 0) >= 0) return;
  stop_telling();
}

static void tell_failure(u32 step, long error) {
  tell(&(struct report){.kind = REPORT_FAILED, .index = step, .value = error < 0 ? -error : error});
}

static void event(const char *action, const char *attributes) { state_event(action, at(config->subject), attributes); }

static void count_event(const char *action, const struct report *about) {
  static s64 second;
  static u32 in_second;
  s64 now = now_ms() / 1000;
  if (now != second) second = now, in_second = 0;
  if (++in_second > EVENTS_A_SECOND || state_events_full()) return; /* `counts` still tells how many there were */
  char text[96], *end = append_number(append(text, "pid="), (u64)about->value);
  if (about->kind == REPORT_REAPED) end = append_number(append(end, " status="), (u64)exit_code((int)about->extra));
  append(end, " comm=");
  for (end = text + string_length(text); end < text + sizeof text && *end; end++) {}
  char name[sizeof about->name];
  for (size_t i = 0; i < sizeof name; i++) { /* a line stays a line, a word a word, whatever a process is called */
    char c = about->name[i];
    name[i] = c > ' ' && c < 0x7f && c != '%' ? c : c ? '_' : 0;
  }
  name[sizeof name - 1] = 0;
  append(end, name);
  event(action, text);
}

/* PID 1 goes on in another process, a child of ours too. */
static void follow(int pid) {
  SYSCALL4(__NR_wait4, container.pid, NULL, 0, NULL);
  container.pid = pid;
  int pidfd = (int)SYSCALL2(__NR_pidfd_open, pid, 0);
  SYSCALL3(__NR_dup3, pidfd, FD_PIDFD, O_CLOEXEC);
  if (pidfd != FD_PIDFD) sys_close(pidfd);
}

/* What PID 1 says. Returns its kind, 0 when it says nothing any more. */
static u32 hear(void) {
  struct report message;
  long size;
  do size = sys_read(container.control, &message, sizeof message);
  while (size == -EINTR);
  if (size != sizeof message) return 0;
  message.name[sizeof message.name - 1] = 0;
  switch (message.kind) {
    case REPORT_REFORKED:
      if (!is_set_up) follow((int)message.value);
      return message.kind;
    case REPORT_ADOPTED:
      count_event("adopt", &message);
      return message.kind;
    case REPORT_REAPED:
      count_event("reap", &message);
      return message.kind;
    case REPORT_COUNTS:
      adopted = (u64)message.value, reaped = (u64)message.extra;
      state_counts(adopted, reaped);
      return message.kind;
    case REPORT_EXEC_FAILED:
      for (u32 i = 0; i < config->failure_count; i++) {
        const struct failure *failure = (const struct failure *)at(config->failures) + i;
        if (failure->error && failure->error != message.value) continue;
        exec_code = failure->exit_code;
        break;
      }
      break;
    default:
      break;
  }
  tell(&message);
  return message.kind;
}

/* Starts PID 1 and brings it to where its program runs. -1: it could not be started, and the foster command knows. */
static int bring_up(void) {
  long error = start_container(config, &container);
  if (error < 0) {
    tell_failure(container.failed_step, error);
    return -1;
  }
  tell(&(struct report){.kind = REPORT_STARTED, .value = container.pid});
  for (;;) {
    u32 kind = hear();
    if (kind == REPORT_READY) break;
    if (kind == REPORT_FAILED || kind == 0) return -1;
  }
  if (config->flags & MONITOR_TERMINAL) {
    master = terminal_receive(container.console);
    container.console = -1;
    SYSCALL3(__NR_fcntl, master, F_SETFL, O_RDWR | O_NONBLOCK);
  }
  state_forget("paused");
  is_set_up = 1;
  if (restarts) janitor_finish(); /* its pidfd was of the last one */
  janitor_start(config);
  if (!restarts && await_byte(SAY_GO)) return -1; /* the foster command was killed: nobody knows of this container */
  if ((error = state_live(container.pid, restarts)) < 0) {
    tell_failure(STATE_STEP, error);
    return -1;
  }
  state_forget("exit");
  has_run = 1;
  event("start", "");
  health_begin(config);
  sys_write(container.control, (char[]){SAY_GO}, 1);
  return 0;
}

static void pass_output(int *fd, u8 stream) {
  char *buffer = log_buffer();
  long size = sys_read(*fd, buffer, LOG_CHUNK);
  if (size == -EAGAIN || size == -EINTR) return;
  if (size <= 0) {
    if (fd == &master) return; /* EIO: nobody has the terminal open just now */
    sys_close(*fd);
    *fd = -1;
    return;
  }
  log_write((size_t)size, stream);
  attach_send(stream == 2 ? ATTACH_ERROR : ATTACH_OUTPUT, buffer, (size_t)size);
}

static void close_input(void) {
  if (container.input >= 0) sys_close(container.input);
  container.input = -1;
}

static int input_fd(void) { return master >= 0 ? master : container.input; }

/* What clients have typed, as far as the container takes it now. */
static void feed(void) {
  attach_feed(input_fd());
  if (is_input_ending && master < 0 && !attach_has_input()) close_input();
}

/* By pidfd: the pid may be another's by now. */
static void signal_container(int signal, int is_for_group) {
  s32 info[32] = {[0] = signal, [2] = -1 /* SI_QUEUE */, [6] = SIGNAL_TO_GROUP}; /* siginfo_t; [6] is si_value */
  if (is_for_group && !(config->flags & MONITOR_SHIM))
    sys_kill(-container.pid, signal); /* who is PID 1 itself leads its session, too */
  else
    SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, signal, is_for_group ? info : NULL, 0);
}

static void set_window(const char *data) {
  unsigned short window[4] = {0, 0, 0, 0};
  memcpy(window, data, 4);
  if (master >= 0) sys_ioctl(master, TIOCSWINSZ, window);
}

/* Returns a signal that is meant for the container, or 0. */
static int serve_client(int index, int *is_for_group) {
  char message[ATTACH_SHORT];
  size_t size = 0;
  switch (attach_receive(index, message, &size)) {
    case ATTACH_INPUT_END:
      is_input_ending = 1;
      /* fall through */
    case ATTACH_INPUT:
      feed();
      return 0;
    case ATTACH_WINDOW:
      if (size >= 4) set_window(message);
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

/* Returns the signal, SIGCHLD included once children are looked after. */
static int take_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(signals, &info, sizeof info) != sizeof info) return 0;
  if (info.ssi_pid == (u32)sys_getpid()) return 0; /* of our own write: SIGPIPE, or SIGXFSZ where a log may not grow */
  if (info.ssi_signo == SIGCHLD) {
    int changed = 0;
    long pid;
    while ((pid = SYSCALL4(__NR_wait4, -1, &changed, WNOHANG, NULL)) > 0)
      if (pid == container.pid) status = changed;
      else if (pid == container.storage) container.storage = 0;
      else health_ended(config, (int)pid, changed);
  }
  return (int)info.ssi_signo;
}

static void wait_ms(s64 ms) {
  struct pollfd poll = {.fd = signals, .events = POLLIN};
  s64 time[2] = {ms / 1000, ms % 1000 * 1000000};
  SYSCALL5(__NR_ppoll, &poll, 1, time, NULL, 8);
}

enum { POLL_SIGNALS, POLL_CONTROL, POLL_AWAITED, POLL_OUTPUT, POLL_ERROR, POLL_INPUT, POLL_LISTENER, POLL_STALLED, POLL_CLIENTS };
enum { POLL_COUNT = POLL_CLIENTS + MAX_CLIENTS };

/* Returns what there is to be done, as poll(2) says it. */
static int wait_for_work(struct pollfd polls[POLL_COUNT], int is_control_open) {
  int stalled = attach_stalled();
  for (int i = 0; i < POLL_COUNT; i++) polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  polls[POLL_SIGNALS].fd = signals;
  polls[POLL_CONTROL].fd = is_control_open ? container.control : -1;
  polls[POLL_AWAITED] = (struct pollfd){.fd = is_awaited ? FD_CONTROL : -1};
  if (stalled < 0) {
    polls[POLL_OUTPUT].fd = master >= 0 ? master : container.output;
    polls[POLL_ERROR].fd = container.error;
  }
  if (attach_has_input()) polls[POLL_INPUT] = (struct pollfd){.fd = input_fd(), .events = POLLOUT};
  polls[POLL_LISTENER].fd = attach_listener();
  polls[POLL_STALLED] = (struct pollfd){.fd = attach_client(stalled), .events = POLLOUT};
  for (int i = 0; i < MAX_CLIENTS; i++) polls[POLL_CLIENTS + i].fd = attach_client(i);
  s64 due = health_due(), time[2] = {due / 1000, due % 1000 * 1000000};
  return SYSCALL5(__NR_ppoll, polls, POLL_COUNT, due < 0 ? NULL : time, NULL, 8) >= 0;
}

static void accept_all(void) {
  for (int i = 0; i < MAX_CLIENTS && attach_accept(); i++) {}
}

/* Until PID 1 has ended. */
static void serve(void) {
  int is_control_open = 1;
  accept_all(); /* whoever started it may have come already */
  while (status == -1) {
    struct pollfd polls[POLL_COUNT];
    if (!wait_for_work(polls, is_control_open)) continue;
    if (polls[POLL_CONTROL].revents && !hear()) {
      is_control_open = 0;
      tell(&(struct report){.kind = REPORT_EXECUTED}); /* without a shim, that is how it shows */
    }
    if (polls[POLL_AWAITED].revents) stop_telling();
    if (polls[POLL_SIGNALS].revents) {
      int signal = take_signal();
      if (signal && signal != SIGCHLD && signal != SIGWINCH) signal_container(signal, 0);
    }
    /* Before the output, which they want to see. */
    if (polls[POLL_LISTENER].revents) attach_accept();
    serve_clients(polls + POLL_CLIENTS);
    if (polls[POLL_OUTPUT].revents) {
      pass_output(master >= 0 ? &master : &container.output, 1);
      if (master >= 0 && polls[POLL_OUTPUT].revents & POLLHUP && !(polls[POLL_OUTPUT].revents & POLLIN)) wait_ms(50);
    }
    if (polls[POLL_ERROR].revents) pass_output(&container.error, 2);
    if (polls[POLL_INPUT].revents) feed();
    health_run(config);
  }
}

/* A program that shares our PID namespace may have left others that write for ever: there must be an end to it. */
#define MOST_DRAINED 64

static void drain(int *fd, u8 stream) {
  struct pollfd poll = {.fd = *fd, .events = POLLIN};
  s64 now[2] = {0, 0};
  for (int i = 0; i < MOST_DRAINED && *fd >= 0; i++) {
    if (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) != 1 || !(poll.revents & POLLIN)) return;
    pass_output(fd, stream);
  }
}

/* Everything that the container has left behind is read before it counts as ended. */
static void take_leave(int code) {
  struct pollfd poll = {.fd = container.control, .events = POLLIN};
  s64 now[2] = {0, 0};
  while (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLIN && hear()) {}
  drain(&container.output, 1);
  drain(&container.error, 2);
  if (master >= 0) {
    drain(&master, 1);
    sys_close(master);
    master = -1;
  }
  health_stop();
  end_storage(container.storage);
  end_started(&container);
  attach_feed(-1);
  state_ended(code, at(config->subject));
}

static int is_to_be_restarted(int code) {
  u32 policy, most;
  state_restart_policy(&policy, &most);
  if (state_has("stopped") || policy == RESTART_NO || policy > RESTART_UNLESS_STOPPED) return 0;
  if (exec_code && !restarts) return 0; /* it never ran, and whoever started it knows */
  if (policy == RESTART_ON_FAILURE) return code != 0 && (most == 0 || restarts < most);
  return 1;
}

static int asks_to_end(int signal) { return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM; }

/* Waits `ms`. Returns 0 when somebody wants the container to stay stopped. */
static int wait_to_restart(s64 ms) {
  s64 deadline = now_ms() + ms, left;
  while (!state_has("stopped") && (left = deadline - now_ms()) > 0) {
    struct pollfd polls[2 + MAX_CLIENTS] = {{.fd = signals, .events = POLLIN}, {.fd = attach_listener(), .events = POLLIN}};
    for (int i = 0; i < MAX_CLIENTS; i++) polls[2 + i] = (struct pollfd){.fd = attach_client(i), .events = POLLIN};
    s64 time[2] = {left / 1000, left % 1000 * 1000000};
    if (SYSCALL5(__NR_ppoll, polls, 2 + MAX_CLIENTS, time, NULL, 8) < 0) continue;
    if (polls[0].revents && asks_to_end(take_signal())) return 0;
    if (polls[1].revents) attach_accept();
    int is_for_group;
    for (int i = 0; i < MAX_CLIENTS; i++)
      if (polls[2 + i].revents && asks_to_end(serve_client(i, &is_for_group))) return 0;
  }
  return !state_has("stopped");
}

/* One life of the container, from its start to its end. Returns its exit code. */
static int live_once(void) {
  status = -1, exec_code = is_set_up = is_input_ending = 0;
  if (bring_up() == 0) {
    serve();
    int code = exec_code ? exec_code : exit_code(status);
    take_leave(code);
    return code;
  }
  if (container.pid > 0) {
    sys_kill(container.pid, SIGKILL);
    /* PID 1 may wait for an answer from it, and cannot be killed then. */
    if (container.storage > 0) sys_kill(container.storage, SIGKILL);
    SYSCALL4(__NR_wait4, container.pid, NULL, 0, NULL);
  }
  end_storage(container.storage);
  end_started(&container);
  if (restarts) state_ended(COULD_NOT_START, at(config->subject));
  return COULD_NOT_START;
}

/* Also to those who came too late to see anything of it. */
static void tell_exit(int code) {
  accept_all();
  char last[2] = {0, (char)code};
  attach_send(ATTACH_EXIT, last + 1, 1);
}

int run_supervisor(const struct monitor *monitor) {
  config = monitor;
  sys_close_range(FD_SUPERVISOR_END);
  for (int fd = FD_CONTROL; fd < FD_SUPERVISOR_END; fd++)
    if (SYSCALL2(__NR_fcntl, fd, F_GETFD) < 0) vacate(fd);
  SYSCALL0(__NR_setsid); /* the end of the caller's session is not the container's */
  SYSCALL1(__NR_chdir, "/");
  sigset all = ALL_SIGNALS;
  signals = (int)SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (signals < 0) return 125;
  log_open((u64)monitor->log_max_size * 1024, monitor->log_max_files);
  attach_open();

  s64 delay = SHORTEST_DELAY_MS;
  for (;; restarts++) {
    s64 began = now_ms();
    int code = live_once();
    int is_hopeless = !has_run;
    if (now_ms() - began >= STEADY_MS) delay = SHORTEST_DELAY_MS;
    if (is_hopeless || !is_to_be_restarted(code) || !wait_to_restart(delay)) {
      tell_exit(code);
      janitor_finish();
      return code;
    }
    delay = delay * 2 < LONGEST_DELAY_MS ? delay * 2 : LONGEST_DELAY_MS;
  }
}
