/* The monitor: what the foster command becomes once its container runs. It forwards signals to PID 1, carries the
 * terminal, mirrors stops, keeps the exit status, and returns the exit code; a Node process would cost 45 MB for that,
 * and could not see real-time signals at all. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/signalfd.h>
#include <linux/wait.h>

#define SIGHUP 1
#define SIGKILL 9
#define SIGPIPE 13
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGWINCH 28
#define SI_KERNEL 0x80
#define END_OF_TRANSMISSION "\004"

static const struct monitor *config;
static int master = -1;     /* the container's terminal */
static int status = -1;     /* of PID 1, as wait4(2) gives it */
static int exec_code;       /* set when the program could not be executed */
static int is_input_open;
static char input[4096], output[4096];
static long input_size, input_at, output_size, output_at;

static const char *at(u32 offset) { return (const char *)config + offset; }

static void say(const char *text) { sys_write(2, text, string_length(text)); }

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

static void write_output(void) {
  long wrote = sys_write(1, output + output_at, (size_t)(output_size - output_at));
  if (wrote > 0) output_at += wrote;
  else if (wrote != -EINTR && wrote != -EAGAIN) output_at = output_size; /* nobody reads: the container need not know */
}

/* Returns how much there was. */
static long read_output(void) {
  output_at = 0;
  output_size = sys_read(master, output, sizeof output);
  return output_size;
}

/* What the container has said until now. Not more than a pseudo-terminal holds: somebody may go on writing for ever.
 * `is_patient`: wait for whoever reads it. */
static void pass_output(int is_patient) {
  struct pollfd poll = {.fd = master, .events = POLLIN};
  struct pollfd reader = {.fd = 1, .events = POLLOUT};
  s64 now[2] = {0, 0};
  for (int i = 0; i < 64; i++) {
    while (output_size > output_at) {
      if (SYSCALL5(__NR_ppoll, &reader, 1, is_patient ? NULL : now, NULL, 8) == 1) write_output();
      else if (!is_patient) return;
    }
    if (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) != 1 || !(poll.revents & POLLIN) || read_output() <= 0) return;
  }
}

/* The user's process has stopped, so the shell that waits for us should have the terminal back, as it would for any
 * job. SIGSTOP, since all else is blocked here. */
static void stop_ourselves(void) {
  if (master >= 0) pass_output(0), terminal_restore();
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

static void take_signal(int signals) {
  struct signalfd_siginfo info;
  if (sys_read(signals, &info, sizeof info) != sizeof info) return;
  int signal = (int)info.ssi_signo;
  if (signal == SIGCHLD) return look_at_child();
  if (signal == SIGWINCH && master >= 0) return terminal_resize(master); /* the terminal tells those it concerns */
  if (signal == SIGPIPE && info.ssi_pid == (u32)sys_getpid()) return;     /* our own write, not a message for anyone */
  if (info.ssi_code == SI_KERNEL)
    forward_from_terminal(signal);
  else
    sys_kill(config->pid, signal);
}

static void read_input(void) {
  input_at = 0;
  input_size = sys_read(0, input, sizeof input);
  if (input_size > 0) return;
  if (input_size == -EINTR) return;
  if (input_size == -EIO) return stop_ourselves(); /* a background job must not read: tty_ioctl(4), job control */
  is_input_open = 0;
  input[0] = END_OF_TRANSMISSION[0];
  input_size = 1;
}

enum { POLL_SIGNALS, POLL_CONTROL, POLL_INPUT, POLL_MASTER, POLL_OUTPUT, POLL_COUNT };

static void serve(int signals) {
  struct pollfd polls[POLL_COUNT] = {
      [POLL_SIGNALS] = {.fd = signals, .events = POLLIN},
      [POLL_CONTROL] = {.fd = FD_CONTROL, .events = POLLIN},
      [POLL_INPUT] = {.fd = -1, .events = POLLIN},
      [POLL_MASTER] = {.fd = -1},
      [POLL_OUTPUT] = {.fd = -1, .events = POLLOUT}, /* for a reader that does not read must not keep us from signals */
  };
  while (status == -1) {
    int is_waiting_to_write = input_size > input_at;
    polls[POLL_INPUT].fd = is_input_open && !is_waiting_to_write ? 0 : -1;
    int is_output_waiting = output_size > output_at;
    polls[POLL_OUTPUT].fd = is_output_waiting ? 1 : -1;
    polls[POLL_MASTER].fd = is_output_waiting && !is_waiting_to_write ? -1 : master;
    polls[POLL_MASTER].events = (short)((is_output_waiting ? 0 : POLLIN) | (is_waiting_to_write ? POLLOUT : 0));
    if (SYSCALL5(__NR_ppoll, polls, POLL_COUNT, NULL, NULL, 8) < 0) continue;
    if (polls[POLL_CONTROL].revents & POLLIN) hear_report();
    else if (polls[POLL_CONTROL].revents) polls[POLL_CONTROL].fd = -1;
    if (polls[POLL_SIGNALS].revents) take_signal(signals);
    if (polls[POLL_INPUT].revents) read_input();
    if (polls[POLL_MASTER].revents & POLLOUT) {
      long wrote = sys_write(master, input + input_at, (size_t)(input_size - input_at));
      if (wrote > 0) input_at += wrote;
    }
    if (is_output_waiting) {
      if (polls[POLL_OUTPUT].revents) write_output();
    } else if (polls[POLL_MASTER].revents & (POLLIN | POLLHUP) && read_output() <= 0) {
      /* EIO: every slave is closed just now; whoever holds the terminal may open it again */
      struct pollfd quiet = {.fd = signals, .events = POLLIN};
      s64 pause[2] = {0, 20000000};
      SYSCALL5(__NR_ppoll, &quiet, 1, pause, NULL, 8);
    }
  }
}

/* What was said last, before the container ended, is still in the pipes. */
static void drain(void) {
  struct pollfd poll = {.fd = FD_CONTROL, .events = POLLIN};
  s64 now[2] = {0, 0};
  while (SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLIN) hear_report();
  if (master >= 0) pass_output(1);
}

/* What a shell would make of it: the exit code, or 128 + the signal. */
int status_code(int wait_status) {
  return wait_status & 0x7f ? 128 + (wait_status & 0x7f) : wait_status >> 8 & 0xff;
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

int run_monitor(void) {
  config = map_blob(sizeof *config);
  if (!config) return 125;
  SYSCALL2(__NR_prctl, 15 /* PR_SET_NAME */, "foster-monitor");
  if (config->pid == 0) return run_supervisor(config);
  sys_close_range(FD_SUPERVISOR_END);
  sigset all = ALL_SIGNALS;
  long signals = SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (signals < 0) return 125;

  if (config->flags & MONITOR_TERMINAL) {
    master = terminal_receive(FD_CONSOLE);
    terminal_resize(master);
    is_input_open = (config->flags & MONITOR_INTERACTIVE) != 0;
    if (is_input_open) terminal_raw();
  } else {
    sys_close(0), sys_close(1); /* the container's alone now: whoever reads its output must see the end of it */
  }
  janitor_start(config);
  int is_kept = !(config->flags & MONITOR_STATELESS);
  if (is_kept && state_live(config->pid, 0) < 0) return give_up();
  if (is_kept) state_event("start", at(config->subject), "");
  sys_write(FD_CONTROL, (char[]){SAY_GO}, 1);
  look_at_child(); /* it may have been killed when Node still heard of it */
  serve((int)signals);

  drain();
  end_storage(config->storage_pid);
  terminal_restore();
  int code = exec_code ? exec_code : status_code(status);
  if (is_kept) state_ended(code, at(config->subject));
  janitor_finish();
  return code;
}
