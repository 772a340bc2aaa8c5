/* The monitor of a container: keeps its log and its exit status, gives signals to PID 1, serves those who attach. In the
 * background it starts PID 1, and starts it again where the restart policy says so (restart.c). In the foreground the foster
 * command has started it, and then become the monitor (caller.c): a Node process would cost 45 MB for that, and could not see
 * real-time signals at all. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signalfd.h>

#define MOST_CARRIED (1 << 20) /* at the end: what a pipe holds at the most, pipe(7) */

struct life life;
static char buffers[STREAM_COUNT][1 + STREAM_BUFFER];

/* No other descriptor shall get a number that has a meaning of its own: what is closed becomes /dev/null. */
static void fill_gaps(void) {
  int nothing = -1;
  for (int fd = FD_CONTROL; fd < FD_SUPERVISOR_END; fd++) {
    if (SYSCALL2(__NR_fcntl, fd, F_GETFD) >= 0) continue;
    if (nothing < 0) nothing = (int)sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    if (nothing != fd) SYSCALL3(__NR_dup3, nothing, fd, O_CLOEXEC);
  }
  if (nothing >= FD_SUPERVISOR_END) sys_close(nothing);
}

/* In the background 0 is /dev/null. */
static void stop_telling(void) {
  life.is_awaited = 0;
  SYSCALL3(__NR_dup3, 0, FD_CONTROL, O_CLOEXEC);
}

void tell_starter(const struct report *message) {
  if (life.is_awaited && sys_send(FD_CONTROL, message, sizeof *message, 0) < 0) stop_telling();
}

static void tell_failure(u32 step, long error, s64 detail) {
  tell_starter(&(struct report){.kind = REPORT_FAILED, .index = step, .value = -error, .extra = detail});
}

void monitor_event(const char *action, const char *attributes) {
  if (life.is_kept) state_event(action, monitor_text(life.config->subject), attributes);
}

/* All that the container says. */
static void keep_output(u8 number, char *data, size_t size) {
  if (!(life.config->flags & MONITOR_UNLOGGED)) log_write(data, size, number);
  attach_send(number == ERROR ? ATTACH_ERROR : ATTACH_OUTPUT, data, size);
}

/* Where there is no log, what the container says is looked at only for those who are attached. */
static void watch_stream(int number) {
  struct stream *stream = &life.streams[number];
  int is_wanted = life.is_kept && (!(life.config->flags & MONITOR_UNLOGGED) || attach_has_clients());
  if (is_wanted && stream->from >= 0 && !stream->watch) stream_watch(stream, (u8)number, keep_output);
}

void open_stream(int number, int from, int to) {
  stream_open(&life.streams[number], from, to, buffers[number] + 1, life.master >= 0);
  if (number != INPUT) watch_stream(number);
}

static void open_streams(void) {
  int to[STREAM_COUNT] = {-1, life.has_caller ? 1 : -1, life.has_caller ? 2 : -1};
  if (life.config->flags & MONITOR_TERMINAL) {
    life.master = terminal_receive(life.container.console);
    life.container.console = -1;
    open_stream(OUTPUT, life.master, to[OUTPUT]);
  } else {
    if (life.container.output >= 0) open_stream(OUTPUT, life.container.output, to[OUTPUT]);
    if (life.container.error >= 0) open_stream(ERROR, life.container.error, to[ERROR]);
    life.container.output = life.container.error = -1;
  }
  if (life.has_caller) caller_open();
}

/* Returns how much, or a negative number where the stream has come to an end. */
static long carry(struct stream *stream, const struct pollfd *polls) {
  long done = stream_carry(stream, polls);
  if (done < 0) take_end_of_stream(stream, done);
  return done;
}

/* When there is no container any more that it could be for. */
static void take_last_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(life.signals, &info, sizeof info) != sizeof info) return;
  caller_note_signal((int)info.ssi_signo);
  if (info.ssi_signo == SIGTSTP) sys_kill((int)sys_getpid(), SIGSTOP);
}

/* What the container has said until now. Not more than a pipe holds: somebody may go on writing for ever, who has it from
 * the container and is not in its PID namespace. `is_patient`: wait for whoever reads it, but not long when we are to go. */
void carry_rest(int is_patient) {
  s64 now[2] = {0, 0}, shortly[2] = {1, 0};
  for (struct stream *stream = &life.streams[OUTPUT]; stream < life.streams + STREAM_COUNT; stream++) {
    for (long carried = 0, done = 0; done >= 0 && carried < MOST_CARRIED; carried += done) {
      int is_waiting = is_patient && stream_has_data(stream);
      struct pollfd polls[3] = {[2] = {.fd = is_waiting ? life.signals : -1, .events = POLLIN}};
      while (stream_poll(stream, polls)) {}
      long ready = SYSCALL5(__NR_ppoll, polls, 3, !is_waiting ? now : caller_is_in_a_hurry() ? shortly : NULL, NULL, 8);
      if (ready == 0) break;
      if (ready > 0 && polls[2].revents) take_last_signal();
      done = ready < 0 ? 0 : carry(stream, polls);
    }
    stream_show(stream);
  }
}

/* By pidfd: the pid may be another's by now. The keys of a terminal, and its end, concern a whole job: termios(3), ISIG. */
static void signal_container(int signal, int is_for_group) {
  siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
  info.si_int = SIGNAL_TO_GROUP;
  if (is_for_group && !(life.config->flags & MONITOR_SHIM))
    sys_kill(-life.container.pid, signal); /* who is PID 1 itself leads its session, too */
  else
    SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, signal, is_for_group ? &info : NULL, 0);
}

static int input_fd(void) { return life.master >= 0 ? life.master : life.container.input; }

/* What clients have typed, as far as the container takes it now. */
static void feed(void) {
  attach_feed(input_fd());
  if (!life.is_input_ending || life.has_caller || life.container.input < 0 || attach_has_input()) return;
  sys_close(life.container.input);
  life.container.input = -1;
}

static void set_window(const char *data) {
  unsigned short window[4] = {0, 0, 0, 0};
  memcpy(window, data, 4);
  if (life.master >= 0) sys_ioctl(life.master, TIOCSWINSZ, window);
}

/* Returns a signal that is meant for the container, or 0. */
int serve_client(int index, int *is_for_group) {
  char message[ATTACH_SHORT];
  size_t size = 0;
  switch (attach_receive(index, message, &size)) {
    case ATTACH_INPUT_END:
      life.is_input_ending = 1;
      /* fall through */
    case ATTACH_INPUT:
      feed();
      return 0;
    case ATTACH_WINDOW:
      if (size >= 4 && !life.has_caller) set_window(message); /* the caller's counts */
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

/* Also to those who came too late to see anything of it. */
void tell_exit(int code) {
  accept_all();
  char last[2] = {0, (char)code};
  attach_send(ATTACH_EXIT, last + 1, 1);
}

/* Who waits for the container stops with it, as a shell expects of a job. */
void stop_with_container(void) {
  if (life.has_caller) return caller_stop();
  carry_rest(0);
  attach_tell_owner(ATTACH_STOPPED);
}

/* Of PID 1 only where it is the user's process itself does it matter that it stops. */
static void look_after_children(void) {
  int status = 0, options = WNOHANG | (life.config->flags & MONITOR_SHIM ? 0 : WUNTRACED);
  for (long pid; (pid = SYSCALL4(__NR_wait4, -1, &status, options, NULL)) > 0;) {
    if (is_stopped(status)) {
      if (pid == life.container.pid) stop_with_container();
    } else if (pid == life.container.pid) {
      life.status = status;
    } else {
      host_program_ended(&life.host, (int)pid);
      health_ended(life.config, (int)pid, status);
    }
  }
}

/* Returns the signal, when it is one that asks us for something; gives it to the container while that lives. */
int take_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(life.signals, &info, sizeof info) != sizeof info) return 0;
  int signal = (int)info.ssi_signo, is_own = info.ssi_pid == (u32)sys_getpid();
  if (is_own && (signal == SIGPIPE || signal == SIGXFSZ)) return 0; /* of our own write, where a log may not grow */
  if (signal == SIGCHLD) return look_after_children(), 0;
  caller_note_signal(signal);
  if (signal == SIGWINCH && life.has_caller && life.master >= 0) return terminal_resize(life.master), 0; /* it tells those it concerns */
  if (signal == SIGWINCH && !life.has_caller) return 0;
  /* What the terminal sends is for a whole job, and so is the SIGCONT by which a shell continues one. */
  int is_for_group = life.has_caller && (info.ssi_code == SI_KERNEL || signal == SIGCONT);
  if (life.status == -1) signal_container(signal, is_for_group);
  return signal;
}

enum { POLL_SIGNALS, POLL_CONTROL, POLL_AWAITED, POLL_INPUT, POLL_LISTENER, POLL_STALLED, POLL_STREAMS };
enum { POLL_CLIENTS = POLL_STREAMS + 2 * STREAM_COUNT, POLL_COUNT = POLL_CLIENTS + MAX_CLIENTS };

/* Returns whether there is something to be done, as poll(2) says it. */
static int wait_for_work(struct pollfd polls[POLL_COUNT], int is_control_open) {
  int stalled = attach_stalled(), rests = 0;
  for (int i = 0; i < POLL_COUNT; i++) polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  polls[POLL_SIGNALS].fd = life.signals;
  polls[POLL_CONTROL].fd = is_control_open ? life.container.control : -1;
  polls[POLL_AWAITED].fd = life.is_awaited ? FD_CONTROL : -1;
  for (int i = 0; i < STREAM_COUNT; i++) {
    struct pollfd *pair = polls + POLL_STREAMS + 2 * i;
    rests |= stream_poll(&life.streams[i], pair);
    if (i != INPUT && stalled >= 0) pair[0].fd = pair[1].fd = -1;
  }
  if (attach_has_input()) polls[POLL_INPUT] = (struct pollfd){.fd = input_fd(), .events = POLLOUT};
  polls[POLL_LISTENER].fd = attach_listener();
  polls[POLL_STALLED] = (struct pollfd){.fd = attach_client(stalled), .events = POLLOUT};
  for (int i = 0; i < MAX_CLIENTS; i++) polls[POLL_CLIENTS + i].fd = attach_client(i);
  s64 due = health_due(), time[2] = {due / 1000, due % 1000 * 1000000}, rest[2] = {0, STREAM_REST_NS};
  return SYSCALL5(__NR_ppoll, polls, POLL_COUNT, rests ? rest : due < 0 ? NULL : time, NULL, 8) >= 0;
}

/* The command that started it in the foreground was killed. Then we go the same way, and the container with us: that is
 * seen to already, by PID 1 and by the janitor. */
static void end_if_abandoned(void) {
  if (attach_is_abandoned()) sys_kill((int)sys_getpid(), SIGKILL);
}

/* Until PID 1 has ended. */
void serve_life(void) {
  int is_control_open = 1;
  while (life.status == -1) {
    struct pollfd polls[POLL_COUNT];
    if (!wait_for_work(polls, is_control_open)) continue;
    if (polls[POLL_CONTROL].revents && !take_report()) {
      is_control_open = 0;
      tell_starter(&(struct report){.kind = REPORT_EXECUTED}); /* without a shim, that is how it shows */
    }
    if (polls[POLL_AWAITED].revents) stop_telling();
    if (polls[POLL_SIGNALS].revents) take_signal();
    /* Before the output, which they want to see. */
    if (polls[POLL_LISTENER].revents && attach_accept()) watch_stream(OUTPUT), watch_stream(ERROR);
    serve_clients(polls + POLL_CLIENTS);
    end_if_abandoned();
    for (int i = 0; i < STREAM_COUNT; i++) carry(&life.streams[i], polls + POLL_STREAMS + 2 * i);
    if (polls[POLL_INPUT].revents) feed();
    health_run(life.config);
  }
}

/* Whoever started it may have come already: what they say about the terminal is to be true when the program starts. */
static void take_first_clients(void) {
  accept_all();
  struct pollfd polls[MAX_CLIENTS];
  s64 now[2] = {0, 0};
  do
    for (int i = 0; i < MAX_CLIENTS; i++) polls[i] = (struct pollfd){.fd = attach_client(i), .events = POLLIN};
  while (SYSCALL5(__NR_ppoll, polls, MAX_CLIENTS, now, NULL, 8) > 0 && (serve_clients(polls), 1));
}

/* Starts PID 1 and brings it to where its program runs. -1: it could not be started, and the foster command knows. */
static int bring_up(void) {
  life.host.starter = life.restarts ? -1 : FD_CONTROL; /* only the first start is somebody's who waits for it */
  long error = start_container(life.config, &life.container, &life.host);
  if (error < 0) {
    int is_host_step = life.container.failed_step >= HOST_STEP && life.container.failed_step < STATE_STEP;
    tell_failure(life.container.failed_step, is_host_step ? -life.host.error : error, life.host.detail);
    return -1;
  }
  tell_starter(&(struct report){.kind = REPORT_STARTED, .value = life.container.pid});
  const struct host_step *step = (const struct host_step *)monitor_text(life.config->host_steps);
  for (u32 i = 0; i < life.config->host_step_count; i++)
    if (step[i].kind == HOST_HAND && step[i].result != HANDED_WHOLE)
      tell_starter(&(struct report){.kind = REPORT_HANDED, .index = i, .value = step[i].result});
  for (;;) {
    u32 kind = take_report();
    if (kind == REPORT_READY) break;
    if (kind == REPORT_FAILED || kind == 0) return -1;
  }
  state_forget("paused");
  return 0;
}

/* A container that no other command would know of must not run. */
static int fail_to_note(long error) {
  tell_failure(STATE_STEP, error, 0);
  if (life.has_caller)
    caller_explain("foster: cannot note that the container runs; see that there is room on the disk, and that it can be written to\n");
  return -1;
}

/* -1: it could not be started, and whoever started it knows. */
int begin_life(void) {
  life.master = life.status = -1;
  life.exec_code = life.is_set_up = life.is_input_ending = 0;
  if (!life.has_caller && bring_up() < 0) return -1;
  open_streams();
  life.is_set_up = 1;
  if (life.restarts) janitor_finish(); /* its pidfd was of the last one */
  janitor_start(life.config);
  if (!life.has_caller && !life.restarts && await_byte(WORD_START)) return -1; /* the foster command was killed: nobody knows of this container */
  long error = life.is_kept ? state_live(life.container.pid, life.restarts) : 0;
  if (error < 0) return fail_to_note(error);
  if (!life.has_caller) state_forget("exit");
  monitor_event("start", "");
  health_begin(life.config);
  take_first_clients();
  sys_write(life.container.control, (char[]){WORD_START}, 1);
  look_after_children(); /* it may have been killed when Node still heard of it */
  return 0;
}

/* What was reported last, before the container ended. */
static void take_last_reports(void) {
  struct pollfd poll = {.fd = life.container.control, .events = POLLIN};
  s64 now[2] = {0, 0};
  while (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLIN && take_report()) {}
}

/* Everything that the container has left behind is read before it counts as ended. Returns its exit code. */
int end_life(void) {
  take_last_reports();
  carry_rest(life.has_caller && life.master >= 0);
  health_stop();
  undo_host_steps(&life.host, 1);
  terminal_restore();
  attach_feed(-1);
  int code = life.exec_code ? life.exec_code : exit_code(life.status);
  if (life.is_kept) state_ended(code, monitor_text(life.config->subject));
  return code;
}

/* For a container that never ran. */
static int give_up(void) {
  SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, SIGKILL, NULL, 0);
  undo_host_steps(&life.host, 0); /* before PID 1, which may wait for an answer from there, and cannot be killed then */
  SYSCALL4(__NR_wait4, life.container.pid, NULL, 0, NULL);
  terminal_restore();
  janitor_finish();
  return COULD_NOT_START;
}

static int run_for_caller(void) {
  if (begin_life() < 0) return give_up();
  serve_life();
  int code = end_life();
  tell_exit(code);
  janitor_finish();
  /* The container has ended, whenever somebody reads the rest of what it has said. */
  sys_close(FD_LOCK);
  carry_rest(1);
  return caller_exit_code(code);
}

/* The foster command has started it, in whose place we are now. */
static void take_over(void) {
  int streams[STREAM_COUNT]; /* -1 where it has /dev/null */
  for (int i = 0; i < STREAM_COUNT; i++)
    streams[i] = SYSCALL3(__NR_fcntl, FD_INPUT + i, F_SETFL, O_NONBLOCK) < 0 ? -1 : FD_INPUT + i;
  life.container = (struct started){.pid = life.config->pid, .control = FD_CONTROL, .console = FD_CONSOLE, .input = streams[INPUT],
                                    .output = streams[OUTPUT], .error = streams[ERROR]};
}

int run_monitor(void) {
  const struct monitor *config = map_blob(sizeof *config);
  if (!config || !check_monitor(config)) return 125;
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-monitor");
  life = (struct life){.config = config, .has_caller = config->pid != 0, .is_awaited = config->pid == 0};
  life.is_kept = !(config->flags & MONITOR_STATELESS);
  life.host = (struct host){.blob = (u64)config, .size = config->size, .steps = config->host_steps, .count = config->host_step_count,
                            .users = FD_USERNS, .output = FD_HOST_OUTPUT, .init = -1};
  sys_close_range(FD_SUPERVISOR_END);
  if (life.has_caller) take_over();
  fill_gaps();
  for (int i = 0; i < STREAM_COUNT; i++) stream_close(&life.streams[i]);
  sigset all = ALL_SIGNALS;
  life.signals = (int)SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (life.signals < 0) return 125;
  if (life.is_kept) attach_open();
  if (life.is_kept && !(config->flags & MONITOR_UNLOGGED)) log_open((u64)config->log_max_size * 1024, config->log_max_files);
  return life.has_caller ? run_for_caller() : run_lives();
}
