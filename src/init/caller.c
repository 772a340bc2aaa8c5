/* The monitor of a container in the foreground stands in the place of the command that started it: it has that command's 0,
 * 1 and 2, its terminal, its pid and its parent. So it carries what goes in and comes out, stops when the container does, and
 * says what is wrong. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#define END_OF_TRANSMISSION '\004'
#define COULD_NOT_WRITE 125

static int is_output_lost;
static int is_asked_to_end; /* somebody wants us to be gone */

/* A terminal that we have opened once more may have no room just now. */
static void print_error(const char *text) {
  struct pollfd poll = {.fd = 2, .events = POLLOUT};
  while (sys_write(2, text, string_length(text)) == -EAGAIN) SYSCALL5(__NR_ppoll, &poll, 1, NULL, NULL, 8);
}

void caller_explain(const char *text) {
  terminal_restore();
  print_error(text);
}

/* One line an event, for --init-verbose. */
void caller_show_event(const struct report *event) {
  if (!(life.config->flags & MONITOR_VERBOSE)) return;
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
  append(to, life.master >= 0 ? "\r\n" : "\n");
  print_error(line);
}

void caller_note_signal(int signal) {
  if (signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM) is_asked_to_end = 1;
}

int caller_is_in_a_hurry(void) { return is_asked_to_end; }

/* The user's process has stopped, so the shell that waits for us should have the terminal back, as it would for any
 * job. SIGSTOP, since all else is blocked here. */
void caller_stop(void) {
  carry_rest(0);
  terminal_restore();
  sys_kill((int)sys_getpid(), SIGSTOP);
  if (life.master >= 0) terminal_raw(), terminal_resize(life.master);
}

static void wait_a_moment(void) {
  struct pollfd quiet = {.fd = life.signals, .events = POLLIN};
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
  int is_written = stream_has_data(stream), is_input = stream == &life.streams[INPUT];
  if (is_input == is_written) {
    if (life.status == -1) wait_a_moment();
    return;
  }
  if (is_written) {
    stream->at = stream->size; /* nobody reads: the container need not know */
  } else if (error == -EIO) {
    caller_stop(); /* a background job must not read: tty_ioctl(4), job control */
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
  print_error(line);
}

/* Its other side learns of it: it gets a SIGPIPE, or sees the end. Only 2 stays open, for what we have to say ourselves. */
static void end_stream(struct stream *stream, long error) {
  int is_input = stream == &life.streams[INPUT];
  if (is_input && error == -EIO && may_read_again()) return;
  if (life.has_caller && error != STREAM_AT_END && error != -EPIPE && error != -ECONNRESET) {
    say_broken(is_input, error);
    is_output_lost |= !is_input;
  }
  sys_close(stream->from);
  if (stream->to >= 0 && stream->to != 2) sys_close(stream->to);
  if (is_input) life.container.input = -1, attach_feed(-1);
  stream_close(stream);
}

void take_end_of_stream(struct stream *stream, long error) {
  if (life.master >= 0) mend_terminal_stream(stream, error);
  else end_stream(stream, error);
}

/* From what is the caller's and to it. */
void caller_open(void) {
  int is_interactive = (life.config->flags & MONITOR_INTERACTIVE) != 0;
  if (life.master < 0) {
    if (life.container.input >= 0) open_stream(INPUT, 0, life.container.input);
    return;
  }
  terminal_resize(life.master);
  open_stream(INPUT, is_interactive ? 0 : -1, life.master);
  if (is_interactive) terminal_raw();
}

int caller_exit_code(int code) { return is_output_lost && code == 0 ? COULD_NOT_WRITE : code; }
