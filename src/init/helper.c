/* Processes that a monitor starts beside its container, by a plan that joins it: health checks and hooks. */
#include "init.h"
#include "monitor.h"

#include <linux/fcntl.h>

/* `plan` and `output`: descriptors. Returns a negative error number if it cannot be started. */
long helper_start(struct helper *helper, s32 plan, s32 output) {
  int ends[2];
  long error = sys_socketpair(ends);
  if (error < 0) return error;
  s32 descriptors[] = {0, output, output, ends[1], plan, -1, -1, -1, FD_PIDFD};
  long pid = start_plan(descriptors, PLAN_FD_JOIN + 1, 0, NULL);
  sys_close(ends[1]);
  if (pid < 0) return sys_close(ends[0]), pid;
  *helper = (struct helper){.pid = (int)pid, .control = ends[0]};
  /* This may be sent at once, because it waits in the socket. REPORT_REFORKED is received later. */
  sys_write(helper->control, (char[]){CONTROL_START}, 1);
  return 0;
}

/* A reported pid is checked: we wait for, and kill, only children of our own. */
static int is_child(s64 pid) {
  siginfo_t info;
  return pid > 1 && SYSCALL5(__NR_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
}

/* The child that joins the container continues as another process (refork), which is then the one to wait for. */
static void receive_reports(struct helper *helper) {
  struct report message;
  while (receive_message(helper->control, &message, sizeof message, MSG_DONTWAIT) == sizeof message)
    if (message.kind == REPORT_REFORKED && is_child(message.value)) helper->pid = (int)message.value;
}

static void forget(struct helper *helper) {
  sys_close(helper->control);
  *helper = NO_HELPER;
}

/* Returns whether a child that has ended was the process itself, which is then forgotten. */
int helper_ended(struct helper *helper, int pid) {
  if (!helper->pid) return 0;
  int first = helper->pid;
  receive_reports(helper);
  if (pid != helper->pid || (pid == first && helper->pid != first)) return 0;
  forget(helper);
  return 1;
}

/* Kills it and its process group: PID 1 would reap those processes, but not end them. */
void helper_kill(struct helper *helper) {
  if (!helper->pid) return;
  receive_reports(helper);
  sys_kill(-helper->pid, SIGKILL);
  sys_kill(helper->pid, SIGKILL);
  SYSCALL4(__NR_wait4, helper->pid, NULL, 0, NULL);
  forget(helper);
}
