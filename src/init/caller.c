/* The monitor of a container in the foreground has replaced the command that started it: it has that command's
 * descriptors 0, 1 and 2, its terminal, its pid and its parent. So it carries input and output, stops when the container
 * stops, and prints errors. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#define END_OF_TRANSMISSION '\004'
#define COULD_NOT_WRITE 125

static int is_output_lost;
static int is_exit_requested; /* a signal has asked us to exit */

/* Tries again when a terminal that was reopened non-blocking has no room at the moment. */
static void print_error(const char *text) {
  struct pollfd poll = {.fd = 2, .events = POLLOUT};
  while (sys_write(2, text, string_length(text)) == -EAGAIN) SYSCALL5(__NR_ppoll, &poll, 1, NULL, NULL, 8);
}

void caller_print(const char *text) {
  terminal_restore();
  print_error(text);
}

/* Prints one line per event, for --init-verbose. */
void caller_print_event(const struct report *event) {
  if (!(run.config->flags & MONITOR_VERBOSE)) return;
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
    if (*c < ' ' || *c > '~') *c = '_'; /* a process chooses its name, which may contain control characters */
  append(to, run.master >= 0 ? "\r\n" : "\n");
  print_error(line);
}

void caller_record_signal(int signal) {
  if (signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM) is_exit_requested = 1;
}

int caller_wants_exit(void) { return is_exit_requested; }

/* The user's process has stopped, so we stop too: the shell that waits for us gets the terminal back, as for any job.
 * SIGSTOP, because all other signals are blocked here. */
void caller_stop(void) {
  drain_output(0);
  terminal_restore();
  sys_kill((int)sys_getpid(), SIGSTOP);
  if (run.master >= 0) terminal_raw(), terminal_resize(run.master);
}

static void wait_a_moment(void) {
  struct pollfd quiet = {.fd = run.signals, .events = POLLIN};
  s64 moment[2] = {0, 20000000};
  SYSCALL5(__NR_ppoll, &quiet, 1, moment, NULL, 8);
}

/* Reading from our terminal has failed with EIO. If we are a background job, the kernel stops us with SIGTTIN until we are
 * in the foreground again; it does not if our process group is orphaned, since no shell could continue us. A read of zero
 * bytes finds out: tty_ioctl(4), credentials(7), "orphaned". */
static int may_read_again(void) {
  sys_block_signals(ALL_SIGNALS & ~signal_bit(SIGTTIN));
  long got = sys_read(0, NULL, 0);
  sys_block_signals(ALL_SIGNALS);
  return got == 0;
}

/* The streams of a terminal stay open: a process of the container may open it again, even if every slave is closed at the
 * moment (EIO). */
static void recover_terminal_stream(struct stream *stream, long error) {
  int is_written = stream_has_data(stream), is_input = stream == &run.streams[INPUT];
  if (is_input == is_written) {
    if (run.status == -1) wait_a_moment();
    return;
  }
  if (is_written) {
    stream->at = stream->size; /* there is no reader any more: discard the output without telling the container */
  } else if (error == -EIO) {
    caller_stop(); /* a background job must not read: tty_ioctl(4), job control */
  } else {
    stream->from = -1;
    stream->data[0] = END_OF_TRANSMISSION;
    stream->at = 0, stream->size = 1;
  }
}

static void print_stream_error(int is_input, long error) {
  char line[160];
  append_stream_error(append(line, "foster: cannot "), is_input, error);
  print_error(line);
}

/* Closes both ends, so that the other side gets SIGPIPE or sees the end of its input. Only descriptor 2 stays open, for our
 * own messages. */
static void end_stream(struct stream *stream, long error) {
  int is_input = stream == &run.streams[INPUT];
  if (is_input && error == -EIO && may_read_again()) return;
  if (run.has_caller && error != STREAM_AT_END && error != -EPIPE && error != -ECONNRESET) {
    print_stream_error(is_input, error);
    is_output_lost |= !is_input;
  }
  sys_close(stream->from);
  if (stream->to >= 0 && stream->to != 2) sys_close(stream->to);
  if (is_input) run.container.input = -1, attach_write_input(-1);
  stream_close(stream);
}

void handle_end_of_stream(struct stream *stream, long error) {
  if (run.master >= 0) recover_terminal_stream(stream, error);
  else end_stream(stream, error);
}

/* Opens the streams from and to the caller's descriptors. */
void caller_open(void) {
  int is_interactive = (run.config->flags & MONITOR_INTERACTIVE) != 0;
  if (run.master < 0) {
    if (run.container.input >= 0) open_stream(INPUT, 0, run.container.input);
    return;
  }
  terminal_resize(run.master);
  open_stream(INPUT, is_interactive ? 0 : -1, run.master);
  if (is_interactive) terminal_raw();
}

int caller_exit_code(int code) { return is_output_lost && code == 0 ? COULD_NOT_WRITE : code; }
