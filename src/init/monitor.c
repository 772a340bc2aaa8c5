/* The monitor: what the foster command becomes once its container runs. It forwards signals to PID 1, carries what goes in
 * and comes out, mirrors stops, keeps the exit status, and returns the exit code; a Node process would cost 45 MB for that,
 * and could not see real-time signals at all. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signalfd.h>

#define END_OF_TRANSMISSION '\004'
#define MOST_DRAINED (1 << 20) /* what a pipe holds at the most: pipe(7) */
#define COULD_NOT_WRITE 125

enum { INPUT, OUTPUT, ERROR, STREAM_COUNT };

static const struct monitor *config;
static int signals;         /* a signalfd */
static int master = -1;     /* the container's terminal */
static int status = -1;     /* of PID 1, as wait4(2) gives it */
static int exec_code;       /* set when the program could not be executed */
static int is_output_lost;
static int is_asked_to_end; /* somebody wants us to be gone */
static struct stream streams[STREAM_COUNT];
static char buffers[STREAM_COUNT][STREAM_BUFFER];

static const char *at(u32 offset) { return (const char *)config + offset; }

/* A terminal that we have opened once more may have no room just now. */
static void say(const char *text) {
  struct pollfd poll = {.fd = 2, .events = POLLOUT};
  while (sys_write(2, text, string_length(text)) == -EAGAIN) SYSCALL5(__NR_ppoll, &poll, 1, NULL, NULL, 8);
}

static void explain_exec_failure(s64 error) {
  const struct failure *failure = (const struct failure *)at(config->failures);
  for (u32 i = 0; i < config->failure_count; i++, failure++) {
    if (failure->error && failure->error != error) continue;
    terminal_restore();
    say(at(failure->text));
    exec_code = failure->exit_code;
    return;
  }
}

/* One line an event, for --init-verbose. */
static void say_event(const struct report *event) {
  char line[160], *to = append(line, "foster-init: ");
  to = append(to, event->kind == REPORT_ADOPTED ? "adopted " : "reaped ");
  to = append(append(append_number(to, (u64)event->value), " ("), event->name);
  to = append(to, ")");
  if (event->kind == REPORT_REAPED) {
    u32 ms = event->index;
    to = append(append_number(append(to, " after "), ms / 1000), ".");
    if (ms % 1000 < 100) to = append(to, "0");
    if (ms % 1000 < 10) to = append(to, "0");
    to = append(append_number(to, ms % 1000), " s as an orphan, ");
    int signal = (int)event->extra & 0x7f;
    to = append(to, signal ? "killed by signal " : "exit code ");
    to = append_number(to, (u64)(signal ? signal : event->extra >> 8 & 0xff));
  }
  for (char *c = line; c < to; c++)
    if (*c < ' ' || *c > '~') *c = '_'; /* a process may call itself anything, but not drive the terminal */
  append(to, master >= 0 ? "\r\n" : "\n");
  say(line);
}

static void stop_ourselves(void);

static void wait_a_moment(void) {
  struct pollfd quiet = {.fd = signals, .events = POLLIN};
  s64 moment[2] = {0, 20000000};
  SYSCALL5(__NR_ppoll, &quiet, 1, moment, NULL, 8);
}

/* Our terminal has not given us what was typed there. Whether we are to wait until we are in the foreground again, and how
 * long, is the kernel's to know: it sends a SIGTTIN, but not where nobody could let us go on. Tried by reading nothing:
 * tty_ioctl(4), credentials(7), "orphaned". */
static int may_read_again(void) {
  sys_block_signals(ALL_SIGNALS & ~signal_bit(SIGTTIN));
  long got = sys_read(0, NULL, 0);
  sys_block_signals(ALL_SIGNALS);
  return got == 0;
}

/* A terminal's streams stay: whoever holds it may open it again when every slave is closed just now (EIO). */
static void mend_terminal_stream(struct stream *stream, long error) {
  int is_written = stream_has_data(stream), is_input = stream == &streams[INPUT];
  if (is_input == is_written) {
    if (status == -1) wait_a_moment();
    return;
  }
  if (is_written) {
    stream->at = stream->size; /* nobody reads: the container need not know */
  } else if (error == -EIO) {
    stop_ourselves(); /* a background job must not read: tty_ioctl(4), job control */
  } else {
    stream->from = -1;
    stream->data[0] = END_OF_TRANSMISSION;
    stream->at = 0, stream->size = 1;
  }
}

static void say_broken(int is_input, long error) {
  char line[160], *to = append(line, "foster: cannot ");
  to = append(to, is_input ? "read standard input" : "write what the container says");
  to = append(to, error == -ENOSPC ? ": no space left on device (" : " (");
  append(append_number(append(to, "errno "), (u64)-error), ")\n");
  say(line);
}

/* Its other side learns of it: it gets a SIGPIPE, or sees the end. Only 2 stays open, for what we have to say ourselves. */
static void end_stream(struct stream *stream, long error) {
  int is_input = stream == &streams[INPUT];
  if (is_input && error == -EIO && may_read_again()) return;
  if (error != STREAM_AT_END && error != -EPIPE && error != -ECONNRESET) {
    say_broken(is_input, error);
    is_output_lost |= !is_input;
  }
  sys_close(stream->from);
  if (stream->to != 2) sys_close(stream->to);
  stream_close(stream);
}

/* Returns how much, or a negative number where the stream has come to an end. */
static long carry(struct stream *stream, const struct pollfd *polls) {
  long done = stream_carry(stream, polls);
  if (done >= 0) return done;
  if (master >= 0) mend_terminal_stream(stream, done);
  else end_stream(stream, done);
  return done;
}

static void note_request(u32 signal) {
  if (signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM) is_asked_to_end = 1;
}

/* When there is no container any more that it could be for. */
static void take_last_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(signals, &info, sizeof info) != sizeof info) return;
  note_request(info.ssi_signo);
  if (info.ssi_signo == SIGTSTP) sys_kill((int)sys_getpid(), SIGSTOP);
}

/* What the container has said until now. Not more than a pipe holds: somebody may go on writing for ever, who has it from
 * the container and is not in its PID namespace. `is_patient`: wait for whoever reads it, but not long when we are to go. */
static void pass_output(int is_patient) {
  s64 now[2] = {0, 0}, shortly[2] = {1, 0};
  for (struct stream *stream = &streams[OUTPUT]; stream < streams + STREAM_COUNT; stream++) {
    for (long carried = 0, done = 0; done >= 0 && carried < MOST_DRAINED; carried += done) {
      int is_waiting = is_patient && stream_has_data(stream);
      struct pollfd polls[3] = {[2] = {.fd = is_waiting ? signals : -1, .events = POLLIN}};
      while (stream_poll(stream, polls)) {}
      long ready = SYSCALL5(__NR_ppoll, polls, 3, !is_waiting ? now : is_asked_to_end ? shortly : NULL, NULL, 8);
      if (ready == 0) break;
      if (ready > 0 && polls[2].revents) take_last_signal();
      done = ready < 0 ? 0 : carry(stream, polls);
    }
  }
}

/* The user's process has stopped, so the shell that waits for us should have the terminal back, as it would for any
 * job. SIGSTOP, since all else is blocked here. */
static void stop_ourselves(void) {
  pass_output(0);
  terminal_restore();
  sys_kill((int)sys_getpid(), SIGSTOP);
  if (master >= 0) terminal_raw(), terminal_resize(master);
}

static void hear_report(void) {
  struct report event;
  long size = sys_read(FD_CONTROL, &event, sizeof event);
  if (size != sizeof event) {
    if (size != -EINTR) sys_close(FD_CONTROL);
    return;
  }
  event.name[sizeof event.name - 1] = 0;
  if (event.kind == REPORT_EXEC_FAILED) explain_exec_failure(event.value);
  if (event.kind == REPORT_STOPPED) stop_ourselves();
  if (config->flags & MONITOR_VERBOSE && (event.kind == REPORT_ADOPTED || event.kind == REPORT_REAPED)) say_event(&event);
}

/* PID 1 has changed its state: it has left or, where it is the user's process itself, stopped. */
static void look_at_child(void) {
  int changed = 0;
  int options = WNOHANG | (config->flags & MONITOR_SHIM ? 0 : WUNTRACED);
  if (SYSCALL4(__NR_wait4, config->pid, &changed, options, NULL) != config->pid) return;
  if ((changed & 0xff) == 0x7f)
    stop_ourselves();
  else
    status = changed;
}

/* The keys of the terminal, and its end, concern the whole job, not only its first process: termios(3), ISIG. */
static void forward_from_terminal(int signal) {
  s32 info[32] = {[0] = signal, [2] = -1 /* SI_QUEUE */, [6] = SIGNAL_TO_GROUP}; /* siginfo_t; [6] is si_value */
  if (config->flags & MONITOR_SHIM)
    SYSCALL3(__NR_rt_sigqueueinfo, config->pid, signal, info);
  else
    sys_kill(-config->pid, signal);
}

static void take_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(signals, &info, sizeof info) != sizeof info) return;
  int signal = (int)info.ssi_signo;
  if (signal == SIGCHLD) return look_at_child();
  note_request(info.ssi_signo);
  if (signal == SIGWINCH && master >= 0) return terminal_resize(master); /* the terminal tells those it concerns */
  if (signal == SIGPIPE && info.ssi_pid == (u32)sys_getpid()) return;     /* our own write, not a message for anyone */
  if (info.ssi_code == SI_KERNEL)
    forward_from_terminal(signal);
  else
    sys_kill(config->pid, signal);
}

enum { POLL_SIGNALS, POLL_CONTROL, POLL_STREAMS, POLL_COUNT = POLL_STREAMS + 2 * STREAM_COUNT };

static void serve(void) {
  struct pollfd polls[POLL_COUNT] = {
      [POLL_SIGNALS] = {.fd = signals, .events = POLLIN},
      [POLL_CONTROL] = {.fd = FD_CONTROL, .events = POLLIN},
  };
  while (status == -1) {
    int rests = 0;
    s64 rest[2] = {0, STREAM_REST_NS};
    for (int i = 0; i < STREAM_COUNT; i++) rests |= stream_poll(&streams[i], polls + POLL_STREAMS + 2 * i);
    if (SYSCALL5(__NR_ppoll, polls, POLL_COUNT, rests ? rest : NULL, NULL, 8) < 0) continue;
    if (polls[POLL_CONTROL].revents & POLLIN) hear_report();
    else if (polls[POLL_CONTROL].revents) polls[POLL_CONTROL].fd = -1;
    if (polls[POLL_SIGNALS].revents) take_signal();
    for (int i = 0; i < STREAM_COUNT; i++) carry(&streams[i], polls + POLL_STREAMS + 2 * i);
  }
}

/* What was reported last, before the container ended. */
static void hear_last_reports(void) {
  struct pollfd poll = {.fd = FD_CONTROL, .events = POLLIN};
  s64 now[2] = {0, 0};
  while (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLIN) hear_report();
}

/* A container that no other command would know of must not run. */
static int give_up(void) {
  sys_kill(config->pid, SIGKILL);
  SYSCALL4(__NR_wait4, config->pid, NULL, 0, NULL);
  end_storage(config->storage_pid);
  terminal_restore();
  say("foster: cannot note that the container runs; see that there is room on the disk, and that it can be written to\n");
  janitor_finish();
  return 125;
}

static void open_terminal(void) {
  master = terminal_receive(FD_CONSOLE);
  terminal_resize(master);
  int is_interactive = (config->flags & MONITOR_INTERACTIVE) != 0;
  stream_open(&streams[INPUT], is_interactive ? 0 : -1, master, buffers[INPUT], 1);
  stream_open(&streams[OUTPUT], master, 1, buffers[OUTPUT], 1);
  if (is_interactive) terminal_raw();
}

static void open_pipes(void) {
  for (int i = INPUT; i < STREAM_COUNT; i++) {
    int pipe = FD_INPUT + i;
    if (SYSCALL3(__NR_fcntl, pipe, F_SETFL, O_NONBLOCK) < 0) continue; /* it has /dev/null there */
    stream_open(&streams[i], i == INPUT ? 0 : pipe, i == INPUT ? pipe : i, buffers[i], 0);
  }
}

int run_monitor(void) {
  config = map_blob(sizeof *config);
  if (!config || !check_monitor(config)) return 125;
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-monitor");
  if (config->pid == 0) return run_supervisor(config);
  sys_close_range(FD_SUPERVISOR_END);
  sigset all = ALL_SIGNALS;
  signals = (int)SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (signals < 0) return 125;

  for (int i = 0; i < STREAM_COUNT; i++) stream_close(&streams[i]);
  if (config->flags & MONITOR_TERMINAL) open_terminal();
  else open_pipes();
  janitor_start(config);
  int is_kept = !(config->flags & MONITOR_STATELESS);
  if (is_kept && state_live(config->pid, 0) < 0) return give_up();
  if (is_kept) state_event("start", at(config->subject), "");
  sys_write(FD_CONTROL, (char[]){SAY_GO}, 1);
  look_at_child(); /* it may have been killed when Node still heard of it */
  serve();

  hear_last_reports();
  pass_output(master >= 0);
  end_storage(config->storage_pid);
  terminal_restore();
  int code = exec_code ? exec_code : exit_code(status);
  if (is_kept) state_ended(code, at(config->subject));
  janitor_finish();
  /* The container has ended, whenever somebody reads the rest of what it has said. */
  sys_close(FD_LOCK);
  pass_output(1);
  return is_output_lost && code == 0 ? COULD_NOT_WRITE : code;
}
