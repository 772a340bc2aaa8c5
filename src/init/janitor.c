/* The janitor: a child of the monitor that outlives it. Were the monitor killed (SIGKILL cannot be caught), nobody
 * would be left to make sure that the container ends, to remove its files and to give the terminal back its settings.
 * It sits in the container's user namespace, for the files belong to ids that only exist there, but in nothing else of
 * the container. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>

static int lifeline = -1; /* closes when the monitor is gone */
static int janitor_pid;

static void wait_readable(int fd) {
  struct pollfd poll = {.fd = fd, .events = POLLIN};
  while (SYSCALL5(__NR_ppoll, &poll, 1, NULL, NULL, 8) == -EINTR)
    ;
}

/* Returns whether the monitor has ended as it should. */
static int outlive_monitor(void) {
  char word = 0;
  while (word != JANITOR_DONE && sys_read(FD_CONTROL, &word, 1) == 1)
    if (word != JANITOR_DONE) terminal_noted(word == JANITOR_RAW);
  if (word != JANITOR_DONE) terminal_restore();
  return word == JANITOR_DONE;
}

static _Noreturn void janitor(const struct monitor *monitor, int line) {
  SYSCALL0(__NR_setsid); /* a hangup or a Ctrl-C at the terminal is not for us */
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-janitor");
  if (!monitor) {
    SYSCALL3(__NR_dup3, line, FD_CONTROL, O_CLOEXEC);
    sys_close_range(FD_CONTROL + 1);
    sys_close(1), sys_close(2);
    outlive_monitor();
    sys_exit(0);
  }
  SYSCALL2(__NR_prctl, PR_SET_DUMPABLE, 0); /* so that root in the container cannot trace us */
  if (monitor->flags & MONITOR_USERNS) SYSCALL2(__NR_setns, FD_USERNS, CLONE_NEWUSER);
  /* The line may have come as 0 or 1, where the monitor has closed those. */
  SYSCALL3(__NR_dup3, line, FD_CONTROL, O_CLOEXEC);
  sys_close(FD_CONSOLE), sys_close(FD_DIRECTORY), sys_close(FD_USERNS), sys_close(FD_PLAN);
  sys_close_range(FD_EVENTS + 1);
  sys_close(1), sys_close(2);
  if (!(monitor->flags & MONITOR_TERMINAL)) sys_close(0);

  int is_orderly = outlive_monitor();
  /* A program that is PID 1 itself may have cut its tie to the monitor, with prctl(2) or by executing a setuid one. */
  if (!is_orderly && !(monitor->flags & MONITOR_SHIM)) SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, SIGKILL, NULL, 0);
  wait_readable(FD_PIDFD);
  const char *path = (const char *)monitor + monitor->remove;
  if (monitor->flags & MONITOR_REMOVE) {
    for (; *path; path += string_length(path) + 1) remove_tree(path);
    state_event("destroy", (const char *)monitor + monitor->subject, "");
  }
  sys_exit(0);
}

/* To be called when the terminal's settings are saved. */
int janitor_start(const struct monitor *monitor) {
  if (monitor && monitor->flags & MONITOR_SHIM && !(monitor->flags & (MONITOR_REMOVE | MONITOR_TERMINAL))) return 0;
  int ends[2];
  long error = SYSCALL2(__NR_pipe2, ends, O_CLOEXEC);
  if (error < 0) return (int)error;
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    sys_close(ends[1]);
    janitor(monitor, ends[0]);
  }
  sys_close(ends[0]);
  lifeline = ends[1];
  janitor_pid = (int)pid;
  return pid < 0 ? (int)pid : 0;
}

void janitor_note(char word) {
  if (lifeline >= 0) sys_write(lifeline, &word, 1);
}

/* Lets it do its work and waits until all is clean. */
void janitor_finish(void) {
  if (janitor_pid <= 0) return;
  janitor_note(JANITOR_DONE);
  sys_close(lifeline);
  SYSCALL4(__NR_wait4, janitor_pid, NULL, 0, NULL);
  janitor_pid = 0, lifeline = -1;
}
