/* Attached to a detached container: what it writes comes to our stdout and stderr, what we read and the signals we get
 * go to it. `foster-init attach FLAGS KEYS`, the monitor's socket at FD_CONTROL. FLAGS: `t` for a terminal, `i` for
 * input, `s` to pass signals on; KEYS: the bytes that detach. */
#include "init.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/signalfd.h>

#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGWINCH 28
#define MONITOR_GONE 137

static char message[ATTACH_CHUNK + 1];
static int is_terminal, has_input, passes_signals;
static const char *detach_keys;
static size_t keys_seen; /* how much of the detach sequence has been typed */

static int send_kind(u8 kind, size_t size) {
  message[0] = (char)kind;
  long sent;
  do sent = syscall6(__NR_sendto, FD_CONTROL, (long)message, (long)size + 1, 0x4000 /* MSG_NOSIGNAL */, 0, 0);
  while (sent == -EINTR);
  return sent >= 0;
}

static void send_window(void) {
  unsigned short window[4] = {0, 0, 0, 0};
  if (sys_ioctl(0, TIOCGWINSZ, window) < 0 && sys_ioctl(1, TIOCGWINSZ, window) < 0) return;
  memcpy(message + 1, window, 4);
  send_kind(ATTACH_WINDOW, 4);
}

static void write_all(int fd, const char *data, size_t size) {
  while (size) {
    long wrote = sys_write(fd, data, size);
    if (wrote == -EINTR) continue;
    if (wrote == -EAGAIN) {
      struct pollfd poll = {.fd = fd, .events = POLLOUT};
      SYSCALL5(__NR_ppoll, &poll, 1, NULL, NULL, 8);
      continue;
    }
    if (wrote <= 0) return;
    data += wrote, size -= (size_t)wrote;
  }
}

/* Keys that may begin the detach sequence are held back until it is clear whether they do. Returns 1 when it is whole. */
static int read_input(void) {
  static char typed[4096];
  long size = sys_read(0, typed, sizeof typed);
  if (size == -EINTR || size == -EAGAIN) return 0;
  if (size == -EIO) { /* a background job must not read: tty_ioctl(4), job control */
    terminal_restore();
    sys_kill((int)sys_getpid(), SIGSTOP);
    if (is_terminal) terminal_raw(), send_window();
    return 0;
  }
  if (size <= 0) {
    has_input = 0;
    send_kind(ATTACH_INPUT_END, 0);
    return 0;
  }
  size_t out = 0;
  for (long i = 0; i < size; i++) {
    if (is_terminal && detach_keys[keys_seen] && typed[i] == detach_keys[keys_seen]) {
      if (!detach_keys[++keys_seen]) return 1;
      continue;
    }
    for (size_t held = 0; held < keys_seen; held++) message[1 + out++] = detach_keys[held];
    keys_seen = is_terminal && typed[i] == detach_keys[0] && detach_keys[0];
    if (!keys_seen) message[1 + out++] = typed[i];
  }
  if (out) send_kind(ATTACH_INPUT, out);
  return 0;
}

static void take_signal(int signals) {
  struct signalfd_siginfo info;
  if (sys_read(signals, &info, sizeof info) != sizeof info) return;
  int signal = (int)info.ssi_signo;
  if (signal == SIGCHLD || signal == SIGCONT) return;
  if (signal == SIGWINCH) return send_window();
  if (signal == SIGTSTP) { /* we stop, not the container */
    terminal_restore();
    sys_kill((int)sys_getpid(), SIGSTOP);
    if (is_terminal) terminal_raw(), send_window();
    return;
  }
  if (!passes_signals) {
    terminal_restore();
    sys_exit(128 + signal);
  }
  message[1] = (char)signal;
  send_kind(ATTACH_SIGNAL, 1);
}

/* Returns the exit code, or -1 while there is none. */
static int hear(void) {
  long size = sys_read(FD_CONTROL, message, sizeof message);
  if (size == -EINTR || size == -EAGAIN) return -1;
  if (size <= 0) return MONITOR_GONE;
  if (message[0] == ATTACH_OUTPUT) write_all(1, message + 1, (size_t)size - 1);
  if (message[0] == ATTACH_ERROR) write_all(2, message + 1, (size_t)size - 1);
  return message[0] == ATTACH_EXIT && size == 2 ? (u8)message[1] : -1;
}

int run_client(int argc, char **argv) {
  const char *flags = argc > 2 ? argv[2] : "";
  detach_keys = argc > 3 ? argv[3] : "";
  for (; *flags; flags++) {
    if (*flags == 't') is_terminal = 1;
    if (*flags == 'i') has_input = 1;
    if (*flags == 's') passes_signals = 1;
  }
  SYSCALL2(__NR_prctl, 15 /* PR_SET_NAME */, "foster-attach");
  sigset all = ALL_SIGNALS;
  long signals = SYSCALL4(__NR_signalfd4, -1, &all, 8, 0);
  if (is_terminal) {
    if (has_input) terminal_raw();
    send_window();
  }
  for (;;) {
    struct pollfd polls[3] = {
        {.fd = (int)signals, .events = POLLIN},
        {.fd = FD_CONTROL, .events = POLLIN},
        {.fd = has_input ? 0 : -1, .events = POLLIN},
    };
    if (SYSCALL5(__NR_ppoll, polls, 3, NULL, NULL, 8) < 0) continue;
    if (polls[0].revents) take_signal((int)signals);
    int code = polls[1].revents ? hear() : -1;
    if (code >= 0) {
      terminal_restore();
      return code;
    }
    if (polls[2].revents && read_input()) {
      terminal_restore();
      write_all(2, "detached\n", 9);
      return 0;
    }
  }
}
