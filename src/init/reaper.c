/* PID 1. Wait for a signal; forward it, unless it is for us; reap every child that has exited; exit when the user's process
 * has exited. All signals are blocked and received one at a time, so nothing here runs in a signal handler. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/poll.h>

#define MEMBER_INTERVAL_MS 10 /* between two looks for processes that are not our children */
#define REST_NS 1000000 /* between two looks for children that have ended */
#define WATCH_INTERVAL_MS 100 /* between two searches for orphans, and between two reports of their number */

static int main_child;
static int main_status = -1; /* as wait4(2) gives it; -1 while it runs */
static int is_verbose, is_counting;
static u64 reaped, reported; /* orphans reaped; how many of them have been reported to the monitor */
static int has_no_grace; /* no grace period */

static siginfo_t last_signal;

/* Each look for children that have ended visits all children, while no process of the machine can end: thousands that end at the same
 * time would wait for looks that find one of them each. So if we have just looked, we rest, and only other signals wake us. */
static int is_resting(void) {
  static s64 looked_ms;
  s64 now = now_ms();
  int has_just_looked = now == looked_ms;
  looked_ms = now;
  return has_just_looked;
}

/* timeout_ms < 0 waits forever. Returns the signal, or 0. */
static int wait_for_signal(s64 timeout_ms) {
  int rests = is_resting();
  sigset wanted = rests ? ALL_SIGNALS & ~signal_bit(SIGCHLD) : ALL_SIGNALS;
  s64 timeout[2] = {timeout_ms / 1000, timeout_ms % 1000 * 1000000}, rest[2] = {0, REST_NS};
  long signal = SYSCALL4(__NR_rt_sigtimedwait, &wanted, &last_signal, rests ? rest : timeout_ms < 0 ? NULL : timeout, 8);
  return signal > 0 ? (int)signal : 0;
}

/* Whether the next orphan is told of. In the background, of more than the monitor records a second only the number is told. */
static u32 told; /* in this second */
static int is_next_told(void) {
  static s64 second;
  if (is_verbose || !is_counting) return is_verbose;
  s64 now = now_ms() / 1000;
  if (now != second) second = now, told = 0;
  return told < EVENTS_A_SECOND / 2; /* an adoption, and a reaping */
}

/* Records a child that has ended: the name of its command can be read only before it is reaped. Returns 0 if there is none. */
static int record_next_zombie(void) {
  siginfo_t child = {0};
  SYSCALL5(__NR_waitid, P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL);
  if (child.si_pid) orphans_record_zombie(child.si_pid, main_child);
  told += child.si_pid != 0;
  return child.si_pid;
}

static void report_stop(int pid, int signal) {
  if (pid == main_child) report(REPORT_STOPPED, NO_STEP, signal, 0, NULL);
}

/* Looks for a child that has stopped, and leaves those that have ended. Returns 0 if there is none, or -errno. */
static long next_stopped(void) {
  siginfo_t child = {0};
  long error = SYSCALL5(__NR_waitid, P_ALL, 0, &child, WSTOPPED | WNOHANG | __WALL, NULL);
  if (child.si_pid) report_stop(child.si_pid, child.si_status & 0xff);
  return error < 0 ? error : child.si_pid;
}

/* Reaps every child that has ended. Reports a stop of the user's process. Returns 0 when there are no children left. */
static int reap(void) {
  for (;;) {
    int status = 0, is_told = is_next_told(), zombie = is_told ? record_next_zombie() : 0;
    /* One that ends from now on is left for the next look, so that it is told of, too: its SIGCHLD waits. */
    if (is_told && !zombie) {
      long found = next_stopped();
      if (found <= 0) return found != -ECHILD;
      continue;
    }
    long pid = SYSCALL4(__NR_wait4, zombie ? zombie : -1, &status, WNOHANG | WUNTRACED | __WALL, NULL);
    if (pid <= 0) return pid != -ECHILD;
    if (is_stopped(status)) {
      report_stop((int)pid, status >> 8 & 0xff);
      continue;
    }
    if (pid == main_child) {
      main_status = status;
    } else {
      reaped++;
      if (zombie) orphans_report_reaped((int)pid, status);
    }
  }
}

/* Not for each orphan, because there may be thousands. */
static void report_counts(int is_last) {
  static s64 next_ms;
  if (!is_counting || reaped == reported || (!is_last && now_ms() < next_ms)) return;
  report(REPORT_COUNTS, NO_STEP, (s64)reaped, (s64)reaped, NULL);
  reported = reaped;
  next_ms = now_ms() + WATCH_INTERVAL_MS;
}

static int signal_for_all;
static void signal_one(int pid) { sys_kill(pid, signal_for_all); }

/* Sends a signal to all processes of the container except ourselves. */
static void signal_all(const struct plan *plan, int signal) {
  signal_for_all = signal;
  if (plan->flags & PLAN_MEMBER)
    members_visit(FD_PROC, signal_one);
  else if (plan->flags & PLAN_SHARED)
    for_each_child(signal_one);
  else
    sys_kill(-1, signal);
}

static void ignore(int pid) { (void)pid; }

/* Reaps what has ended. Returns whether processes of the container remain. In a pod, those that are not our children have no way to
 * tell us of their end. */
static int are_left(const struct plan *plan) {
  int has_children = reap();
  return has_children || (plan->flags & PLAN_MEMBER && members_visit(FD_PROC, ignore) > 0);
}

/* The user's process has ended: sends SIGTERM to the remaining ones, and SIGKILL after the grace period. */
static void end_remaining_processes(const struct plan *plan) {
  s64 deadline = has_no_grace ? 0 : now_ms() + plan->grace_ms;
  int is_asked = 0;
  while (are_left(plan)) {
    s64 left = deadline - now_ms();
    if (left <= 0) {
      signal_all(plan, SIGKILL);
      wait_for_signal(10); /* the children of killed processes become ours, one generation at a time */
      continue;
    }
    /* In a namespace of our own, one call reaches every process; else only our children, and we adopt theirs later. */
    if (!is_asked || plan->flags & PLAN_SHARED) {
      signal_all(plan, SIGTERM);
      signal_all(plan, SIGCONT); /* a stopped process would never see the TERM */
      is_asked = 1;
    }
    int got = wait_for_signal(plan->flags & PLAN_MEMBER && left > MEMBER_INTERVAL_MS ? MEMBER_INTERVAL_MS : left);
    if (got == SIGINT || got == SIGQUIT || got == SIGTERM) deadline = 0; /* a second request: no grace period */
  }
}

/* In a shared PID namespace, our end would not end the container. So the parent-death signal (PR_SET_PDEATHSIG) is SIGTERM
 * there, and a closed control socket distinguishes it from another SIGTERM. */
static int is_abandoned(const struct plan *plan) {
  struct pollfd poll = {.fd = FD_CONTROL};
  s64 now[2] = {0, 0};
  return plan->flags & PLAN_SHARED && SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) == 1 && poll.revents & POLLHUP;
}

static int is_queued(int value) { return last_signal.si_code == SI_QUEUE && last_signal.si_int == value; }

/* A signal of kill(2) is for the process alone; the monitor marks those of a terminal, which are for a whole job. */
static int is_for_group(const struct plan *plan) { return plan->flags & PLAN_GROUP || is_queued(SIGNAL_TO_GROUP); }

static void forward(const struct plan *plan, int signal) {
  long group = is_for_group(plan) ? SYSCALL1(__NR_getpgid, main_child) : 0;
  /* It may have joined our own group, and then the signal would come back to us. */
  int has_own = group > 1 && group != SYSCALL1(__NR_getpgid, 0);
  sys_kill(has_own ? -(int)group : main_child, signal);
}

/* Whether PID 1 of a pod shall end. A process of the pod may not end all others: of a kill(2), the kernel tells the sender's PID, which
 * is 0 for those that come from outside. What a sigqueue(3) tells is the sender's choice. */
static int is_end_of_pod(int signal) {
  int is_from_outside = last_signal.si_code == SI_USER && !last_signal.si_pid;
  return (signal == SIGINT || signal == SIGQUIT || signal == SIGTERM || signal == SIGHUP) && is_from_outside;
}

/* `child`: the user's process; 0 if there is none. */
_Noreturn void reap_until_exit(const struct plan *plan, int child) {
  main_child = child;
  is_verbose = (plan->flags & PLAN_VERBOSE) != 0;
  is_counting = (plan->flags & PLAN_COUNTS) != 0;
  release_stack();

  while (main_status == -1) {
    int signal = wait_for_signal(is_verbose || (is_counting && reaped != reported) ? WATCH_INTERVAL_MS : -1);
    if (!main_child) {
      if (is_end_of_pod(signal)) main_status = 0;
    } else if (signal == SIGTERM && is_abandoned(plan)) {
      sys_kill(main_child, SIGKILL);
      has_no_grace = 1;
    } else if (signal && signal != SIGCHLD && !is_queued(SIGNAL_TO_INIT)) {
      forward(plan, signal);
    }
    if (is_verbose) orphans_find(main_child);
    reap();
    report_counts(0);
  }
  end_remaining_processes(plan);
  report_counts(1);
  sys_exit(exit_code(main_status));
}
