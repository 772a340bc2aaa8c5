/* PID 1. Wait for a signal; forward it, unless it is our own; bury every child that has exited; leave when the user's
 * process has left. All signals are blocked and taken one at a time, so nothing here runs in a signal handler. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/poll.h>

#define WATCH_INTERVAL_MS 100 /* between two looks for orphans, and between two reports of how many there were */

static int main_child;
static int main_status = -1; /* as wait4(2) gives it; -1 while it runs */
static int is_verbose, is_counting;
static u64 buried, told; /* orphans; how many of them the monitor knows of */
static int is_hurried; /* no grace period */

static siginfo_t last_signal; /* the one that came last */

/* timeout_ms < 0 waits for ever. Returns the signal, or 0. */
static int wait_for_signal(s64 timeout_ms) {
  sigset all = ALL_SIGNALS;
  s64 timeout[2] = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
  long signal = SYSCALL4(__NR_rt_sigtimedwait, &all, &last_signal, timeout_ms < 0 ? NULL : timeout, 8);
  return signal > 0 ? (int)signal : 0;
}

/* The command's name can be read only before the zombie is gone. */
static void look_before_reaping(void) {
  siginfo_t child = {0};
  if (SYSCALL5(__NR_waitid, P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT, NULL) == 0 && child.si_pid)
    family_reaped(child.si_pid, main_child);
}

/* Buries all that have died; a stopped child is reported once, and then left alone. Returns 0 when there is nobody
 * left to wait for. */
static int reap(void) {
  for (;;) {
    int status = 0;
    if (is_verbose || is_counting) look_before_reaping();
    long pid = SYSCALL4(__NR_wait4, -1, &status, WNOHANG | WUNTRACED | __WALL, NULL);
    if (pid <= 0) return pid != -ECHILD;
    if (is_stopped(status)) {
      if (pid == main_child) report(REPORT_STOPPED, NO_STEP, status >> 8 & 0xff, 0, NULL);
      continue;
    }
    if (pid == main_child) {
      main_status = status;
    } else {
      buried++;
      if (is_verbose || is_counting) family_report_reaped((int)pid, status);
    }
  }
}

/* Not at each: orphans may come by the thousand. */
static void report_counts(int is_last) {
  static s64 next_ms;
  if (!is_counting || buried == told || (!is_last && now_ms() < next_ms)) return;
  report(REPORT_COUNTS, NO_STEP, (s64)buried, (s64)buried, NULL);
  told = buried;
  next_ms = now_ms() + WATCH_INTERVAL_MS;
}

static int signal_for_all;
static void signal_child(int pid) { sys_kill(pid, signal_for_all); }

/* To everyone in the container but ourselves. */
static void signal_all(const struct plan *plan, int signal) {
  signal_for_all = signal;
  if (plan->flags & PLAN_SHARED)
    family_each_child(signal_child);
  else
    sys_kill(-1, signal);
}

/* The user's process has left: ask the rest to leave too, and after the grace period make them. */
static void end_the_rest(const struct plan *plan) {
  s64 deadline = is_hurried ? 0 : now_ms() + plan->grace_ms;
  int is_asked = 0;
  while (reap()) {
    s64 left = deadline - now_ms();
    if (left <= 0) {
      signal_all(plan, SIGKILL);
      wait_for_signal(10); /* those killed come to us one generation at a time */
      continue;
    }
    /* In a namespace of our own one call reaches everybody; else only children, and each dying one leaves us more. */
    if (!is_asked || plan->flags & PLAN_SHARED) {
      signal_all(plan, SIGTERM);
      signal_all(plan, SIGCONT); /* a stopped process would never see the TERM */
      is_asked = 1;
    }
    int got = wait_for_signal(left);
    if (got == SIGINT || got == SIGQUIT || got == SIGTERM) deadline = 0; /* asked twice: in a hurry */
  }
}

/* In a PID namespace that is not ours alone, our death would not end the container. So there the monitor's death
 * arrives as SIGTERM (PR_SET_PDEATHSIG), and a control socket with nobody at its other end tells it from a real one. */
static int is_abandoned(const struct plan *plan) {
  struct pollfd poll = {.fd = FD_CONTROL};
  s64 now[2] = {0, 0};
  return plan->flags & PLAN_SHARED && SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLHUP;
}

static int is_queued(int value) { return last_signal.si_code == SI_QUEUE && last_signal.si_int == value; }

/* What somebody sends by kill(2) is for the process alone; the monitor knows what comes from a terminal, for a whole job. */
static int is_for_group(const struct plan *plan) { return plan->flags & PLAN_GROUP || is_queued(SIGNAL_TO_GROUP); }

static void forward(const struct plan *plan, int signal) {
  long group = is_for_group(plan) ? SYSCALL1(__NR_getpgid, main_child) : 0;
  /* It may have joined our own group, where the signal would come back to us. */
  int has_own = group > 1 && group != SYSCALL1(__NR_getpgid, 0);
  sys_kill(has_own ? -(int)group : main_child, signal);
}

_Noreturn void reap_until_exit(const struct plan *plan, int child) {
  main_child = child;
  is_verbose = (plan->flags & PLAN_VERBOSE) != 0;
  is_counting = (plan->flags & PLAN_COUNTS) != 0;

  while (main_status == -1) {
    int signal = wait_for_signal(is_verbose || (is_counting && buried != told) ? WATCH_INTERVAL_MS : -1);
    if (signal == SIGTERM && is_abandoned(plan)) {
      sys_kill(main_child, SIGKILL);
      is_hurried = 1;
    } else if (signal && signal != SIGCHLD && !is_queued(SIGNAL_TO_INIT)) {
      forward(plan, signal);
    }
    if (is_verbose) family_watch(main_child);
    reap();
    report_counts(0);
  }
  end_the_rest(plan);
  report_counts(1);
  sys_exit(exit_code(main_status));
}
