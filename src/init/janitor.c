/* The janitor: a child of the monitor that outlives it. If the monitor is killed (SIGKILL cannot be caught), the janitor
 * makes sure that the container ends, removes its files and restores the terminal. It enters the container's user
 * namespace, because the files belong to ids that exist only there, but no other namespace of the container. */
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

static struct host_step *host_steps_of(const struct monitor *monitor) {
  return (struct host_step *)((const char *)monitor + monitor->host_steps);
}

static int has_cgroup(const struct monitor *monitor) {
  for (u32 i = 0; i < monitor->host_step_count; i++)
    if (host_steps_of(monitor)[i].kind == HOST_CGROUP) return 1;
  return 0;
}

/* In version 1, SIGKILL has no effect on frozen processes until they are thawed. */
static void thaw_cgroups(const struct monitor *monitor) {
  struct host_step *steps = host_steps_of(monitor);
  for (u32 i = 0; i < monitor->host_step_count; i++)
    if (steps[i].kind == HOST_CGROUP && steps[i].result)
      cgroup_write((const char *)monitor + steps[i].words, "freezer.state", "THAWED");
}

static void remove_cgroups(const struct monitor *monitor) {
  struct host_step *steps = host_steps_of(monitor);
  for (u32 i = monitor->host_step_count; i > 0; i--)
    if (steps[i - 1].kind == HOST_CGROUP && steps[i - 1].result)
      cgroup_undo(&steps[i - 1], (const char *)monitor + steps[i - 1].words);
}

/* Returns whether the monitor has ended in an orderly way. */
static int wait_for_monitor(void) {
  char message = 0;
  release_stack();
  while (message != JANITOR_DONE && sys_read(FD_CONTROL, &message, 1) == 1)
    if (message != JANITOR_DONE) terminal_set_raw(message == JANITOR_RAW);
  if (message != JANITOR_DONE) terminal_restore();
  return message == JANITOR_DONE;
}

/* A path that ends in `/solo` is the mark of an anonymous volume. Another container that uses the volume removes the mark.
 * If we can still remove the mark, no other container can keep the volume any more, and we remove it. */
static void remove_at_end(const char *path) {
  static const char mark[] = "/solo";
  size_t length = string_length(path);
  char folder[4096];
  if (length < sizeof mark || length >= sizeof folder || !string_equal(path + length - (sizeof mark - 1), mark)) {
    remove_tree(AT_FDCWD, path);
    return;
  }
  if (SYSCALL3(__NR_unlinkat, AT_FDCWD, path, 0) < 0) return;
  append(folder, path)[-(long)(sizeof mark - 1)] = 0;
  remove_tree(AT_FDCWD, folder);
}

static _Noreturn void janitor(const struct monitor *monitor, int line) {
  SYSCALL0(__NR_setsid); /* a hangup or a Ctrl-C at the terminal must not reach us */
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-janitor");
  if (!monitor) {
    SYSCALL3(__NR_dup3, line, FD_CONTROL, O_CLOEXEC);
    sys_close_range(FD_CONTROL + 1);
    sys_close(1), sys_close(2);
    wait_for_monitor();
    sys_exit(0);
  }
  SYSCALL2(__NR_prctl, PR_SET_DUMPABLE, 0); /* so that root in the container cannot trace us */
  /* The pipe may be descriptor 0 or 1, if the monitor has closed those. */
  SYSCALL3(__NR_dup3, line, FD_CONTROL, O_CLOEXEC);
  sys_close(FD_CONSOLE), sys_close(FD_PLAN);
  sys_close_range(FD_EVENTS + 1);
  sys_close(1), sys_close(2);
  if (!(monitor->flags & MONITOR_TERMINAL)) sys_close(0);

  int is_orderly = wait_for_monitor();
  /* A program that is PID 1 itself may have cleared its parent-death signal, by prctl(2) or a set-user-ID program. */
  if (!is_orderly && !(monitor->flags & MONITOR_SHIM)) SYSCALL4(__NR_pidfd_send_signal, FD_PIDFD, SIGKILL, NULL, 0);
  if (!is_orderly) thaw_cgroups(monitor);
  wait_readable(FD_PIDFD);
  if (!is_orderly) remove_cgroups(monitor); /* still as the caller, who owns the cgroups; the container's root owns the files */
  int stays = state_has("stays"); /* a restart is under way, which starts it again: docs/state.md */
  sys_close(FD_DIRECTORY);
  if (monitor->flags & MONITOR_USERNS) SYSCALL2(__NR_setns, FD_USERNS, CLONE_NEWUSER);
  const char *path = (const char *)monitor + monitor->remove;
  if (monitor->flags & MONITOR_REMOVE && !stays) {
    for (; *path; path += string_length(path) + 1) remove_at_end(path);
    state_event("destroy", (const char *)monitor + monitor->subject, "");
  }
  sys_exit(0);
}

/* Call it after the terminal's settings are saved. */
int janitor_start(const struct monitor *monitor) {
  int is_needed = !monitor || !(monitor->flags & MONITOR_SHIM) || monitor->flags & (MONITOR_REMOVE | MONITOR_TERMINAL) || has_cgroup(monitor);
  if (!is_needed) return 0;
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

void janitor_notify(char message) {
  if (lifeline >= 0) sys_write(lifeline, &message, 1);
}

/* Lets it do its work, and waits until it has finished. */
void janitor_finish(void) {
  if (janitor_pid <= 0) return;
  janitor_notify(JANITOR_DONE);
  sys_close(lifeline);
  SYSCALL4(__NR_wait4, janitor_pid, NULL, 0, NULL);
  janitor_pid = 0, lifeline = -1;
}
