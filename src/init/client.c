/* A client that is attached to a detached container: the container's output goes to our stdout and stderr, our input and
 * signals go to the container. `foster-init attach FLAGS KEYS`, the monitor's socket at FD_CONTROL. FLAGS: `t` for a
 * terminal, `i` for input, `s` to forward signals, `o` for the owner, which has started the container in the foreground,
 * `p` if FD_MONITOR is a pidfd of the monitor, to which it was connected before there was one; KEYS: the bytes that detach. */
#include "init.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signalfd.h>

#define EXIT_MONITOR_GONE 137
#define EXIT_DROPPED 125
#define COULD_NOT_WRITE 125
#define MAX_KEYS 64
#define MAX_TYPED 4096

static int is_terminal, has_input, passes_signals;
static int is_owner; /* we started the container in the foreground: it ends when we end, and we stop when it stops */
static int last_code = -1; /* exit code of the container; -1 while it is not known */
static int is_input_unconfirmed, had_terminal;
static int is_lost[3]; /* by descriptor: what the container writes there cannot be written */
static int signal_fd, monitor_fd; /* a signalfd; a pidfd, negative if there is none */
static const char *detach_keys;
static size_t keys_seen; /* how much of the detach sequence has been typed */

static int send_to_monitor(const char *message, size_t size) {
  long sent;
  do sent = sys_send(FD_CONTROL, message, size, 0);
  while (sent == -EINTR);
  return sent >= 0;
}

static _Noreturn void leave(int code) {
  terminal_restore();
  janitor_finish();
  sys_exit(code);
}

/* Whether we have a controlling terminal. After a hangup, no process of the session has one. */
static int has_terminal(void) {
  long fd = sys_openat(AT_FDCWD, "/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0) sys_close((int)fd);
  return fd >= 0;
}

static void send_window(void) {
  unsigned short window[4] = {0, 0, 0, 0};
  char message[5] = {ATTACH_WINDOW};
  if (sys_ioctl(0, TIOCGWINSZ, window) < 0 && sys_ioctl(1, TIOCGWINSZ, window) < 0) return;
  memcpy(message + 1, window, 4);
  send_to_monitor(message, sizeof message);
}

/* Stops this client, not the container. SIGSTOP, because all other signals are blocked here. */
static void stop_self(void) {
  terminal_restore();
  sys_kill((int)sys_getpid(), SIGSTOP);
  if (!is_terminal) return;
  if (has_input) terminal_raw();
  send_window();
}

static void handle_own_signal(void) {
  struct signalfd_siginfo info;
  if (sys_read(signal_fd, &info, sizeof info) != sizeof info) return;
  int signal = (int)info.ssi_signo, is_for_job = info.ssi_code == SI_KERNEL || info.ssi_signo == SIGCONT;
  if (signal == SIGCHLD || (signal == SIGCONT && !is_owner)) return;
  if (signal == SIGPIPE && info.ssi_pid == (u32)sys_getpid()) return; /* our own write */
  if (signal == SIGWINCH) return send_window();
  if (signal == SIGTSTP && !is_owner) return stop_self();
  /* A hangup of our terminal does not concern a container in the background. The shell sends SIGHUP for it, too. */
  if (!passes_signals || (signal == SIGHUP && !is_owner && had_terminal && !has_terminal())) leave(128 + signal);
  /* Signals from a terminal's keys are for a whole job, and so is the SIGCONT with which a shell continues it. */
  send_to_monitor((char[]){ATTACH_SIGNAL, (char)signal, (char)is_for_job}, 3);
}

/* What follows it is lost, too: half of a file is no better than none. */
static void lose_output(int fd, long error) {
  char line[160];
  is_lost[fd] = 1;
  terminal_restore();
  append_stream_error(append(line, "foster: cannot "), 0, error);
  sys_write(2, line, string_length(line));
  if (is_terminal && has_input) terminal_raw();
}

/* Handles signals during the wait, because the reader may be slow. */
static void write_all(int fd, const char *data, size_t size) {
  while (size && !is_lost[fd]) {
    struct pollfd polls[2] = {{.fd = signal_fd, .events = POLLIN}, {.fd = fd, .events = POLLOUT}};
    if (SYSCALL5(__NR_ppoll, polls, 2, NULL, NULL, 8) < 0) continue;
    if (polls[0].revents) handle_own_signal();
    if (!polls[1].revents) continue;
    long wrote = sys_write(fd, data, size < PIPE_BUF ? size : PIPE_BUF);
    if (wrote == -EINTR || wrote == -EAGAIN) continue;
    if (wrote == -EPIPE) leave(128 + SIGPIPE);
    if (wrote == -EIO) return; /* the terminal is gone */
    if (wrote < 0) return lose_output(fd, wrote);
    data += wrote, size -= (size_t)wrote;
  }
}

char typed[MAX_TYPED] LARGE, input_message[1 + MAX_TYPED + MAX_KEYS] LARGE, monitor_message[ATTACH_CHUNK + 1] LARGE;

/* Keys that may begin the detach sequence are kept until it is clear whether they do. Returns 1 when it is complete. */
static int read_input(void) {
  input_message[0] = ATTACH_INPUT;
  long size = sys_read(0, typed, sizeof typed);
  if (size == -EINTR || size == -EAGAIN) return 0;
  if (size == -EIO) return stop_self(), 0; /* a background job must not read: tty_ioctl(4), job control */
  if (size <= 0) {
    has_input = 0;
    send_to_monitor((char[]){ATTACH_INPUT_END}, 1);
    return 0;
  }
  size_t end = 1;
  for (long i = 0; i < size; i++) {
    if (is_terminal && detach_keys[keys_seen] && typed[i] == detach_keys[keys_seen]) {
      if (!detach_keys[++keys_seen]) return 1;
      continue;
    }
    for (size_t held = 0; held < keys_seen; held++) input_message[end++] = detach_keys[held];
    keys_seen = is_terminal && typed[i] == detach_keys[0] && detach_keys[0];
    if (!keys_seen) input_message[end++] = typed[i];
  }
  if (end > 1) is_input_unconfirmed = send_to_monitor(input_message, end);
  return 0;
}

/* The monitor was killed, and the container with it, or it has disconnected us. Returns our exit code. */
static int exit_code_after_disconnect(void) {
  if (last_code >= 0) return last_code;
  static const char text[] = "foster: no longer attached, because the container's output was not read for too long; "
                             "the container still runs: see 'foster logs', or attach again\n";
  struct pollfd poll = {.fd = monitor_fd, .events = POLLIN};
  s64 moment[2] = {0, 200000000};
  if (monitor_fd < 0 || SYSCALL5(__NR_ppoll, &poll, 1, moment, NULL, 8) != 0) return EXIT_MONITOR_GONE;
  terminal_restore();
  sys_write(2, text, sizeof text - 1);
  return EXIT_DROPPED;
}

/* Returns the exit code, or -1 while there is none. */
static int handle_message(void) {
  char *message = monitor_message;
  long size = receive_message(FD_CONTROL, monitor_message, sizeof monitor_message, 0);
  if (size == -EINTR || size == -EAGAIN) return -1;
  if (size <= 0) return exit_code_after_disconnect();
  if (message[0] == ATTACH_OUTPUT) write_all(1, message + 1, (size_t)size - 1);
  if (message[0] == ATTACH_ERROR) write_all(2, message + 1, (size_t)size - 1);
  if (message[0] == ATTACH_TAKEN) is_input_unconfirmed = 0;
  if (message[0] == ATTACH_STOPPED) stop_self();
  if (message[0] != ATTACH_EXIT || size != 2) return -1;
  last_code = (u8)message[1];
  return is_owner ? -1 : last_code; /* the owner waits until the monitor has cleaned up and exited */
}

enum { FD_MONITOR = FD_CONTROL + 1 };

static int open_monitor(void) {
  struct {
    s32 pid;
    u32 uid, gid;
  } peer = {0, 0, 0};
  u32 size = sizeof peer;
  SYSCALL5(__NR_getsockopt, FD_CONTROL, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer.pid > 0 ? (int)SYSCALL2(__NR_pidfd_open, peer.pid, 0) : -1;
}

static void parse_arguments(int argc, char **argv) {
  const char *flags = argc > 2 ? argv[2] : "";
  detach_keys = argc > 3 && string_length(argv[3]) <= MAX_KEYS ? argv[3] : "";
  for (; *flags; flags++) {
    if (*flags == 't') is_terminal = 1;
    if (*flags == 'i') has_input = 1;
    if (*flags == 's') passes_signals = 1;
    if (*flags == 'o') is_owner = 1;
    if (*flags == 'p') monitor_fd = FD_MONITOR;
  }
}

int run_client(int argc, char **argv) {
  parse_arguments(argc, argv);
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-attach");
  sigset all = ALL_SIGNALS;
  signal_fd = (int)SYSCALL4(__NR_signalfd4, -1, &all, 8, O_CLOEXEC);
  if (!monitor_fd) monitor_fd = open_monitor();
  had_terminal = has_terminal();
  if (is_terminal && has_input) terminal_raw();
  if (is_owner) janitor_start(NULL);
  if (is_terminal) send_window();
  for (;;) {
    struct pollfd polls[3] = {
        {.fd = signal_fd, .events = POLLIN},
        {.fd = FD_CONTROL, .events = POLLIN},
        {.fd = has_input && !is_input_unconfirmed ? 0 : -1, .events = POLLIN},
    };
    if (SYSCALL5(__NR_ppoll, polls, 3, NULL, NULL, 8) < 0) continue;
    if (polls[0].revents) handle_own_signal();
    int code = polls[1].revents ? handle_message() : -1;
    if (code >= 0) leave(code == 0 && (is_lost[1] || is_lost[2]) ? COULD_NOT_WRITE : code);
    if (polls[2].revents && read_input()) {
      terminal_restore();
      send_to_monitor((char[]){ATTACH_DETACH}, 1);
      write_all(2, "detached\n", 9);
      leave(0);
    }
  }
}
