/* The health check of a container: a plan that joins the container and runs a command there, at an interval. The rules are
 * Docker's: one success makes it healthy, several failures in a row unhealthy; during the start period failures do not
 * count. */
#include "init.h"
#include "monitor.h"

enum { STARTING, HEALTHY, UNHEALTHY };

static s64 began_ms;     /* when the container started */
static s64 due_ms = -1;  /* when the next check starts or, while one runs, when it times out */
static int check_pid;    /* 0: no check runs */
static int check_control = -1;
static u32 health, streak;
static struct health_result results[HEALTH_RESULTS]; /* the latest, the newest last */
static u32 result_count;
static s64 check_began; /* since 1970 */

s64 health_due(void) {
  if (due_ms < 0) return -1;
  s64 left = due_ms - now_ms();
  return left < 0 ? 0 : left;
}

static void set_health(const struct monitor *monitor, u32 now) {
  static const char *const names[] = {"health=starting", "health=healthy", "health=unhealthy"};
  if (now != health && now != STARTING) state_event("health_status", (const char *)monitor + monitor->subject, names[now]);
  if (now == UNHEALTHY && monitor->flags & MONITOR_KILL_UNHEALTHY) kill_container();
  health = now;
  state_health(health, streak, results, result_count);
}

static void keep_result(int code) {
  if (result_count == HEALTH_RESULTS)
    for (u32 i = 1; i < HEALTH_RESULTS; i++) results[i - 1] = results[i];
  else
    result_count++;
  results[result_count - 1] = (struct health_result){check_began, clock_ms(), code};
}

void health_start(const struct monitor *monitor) {
  if (!(monitor->flags & MONITOR_HEALTH)) return;
  began_ms = now_ms();
  streak = result_count = 0;
  set_health(monitor, STARTING);
  due_ms = began_ms + monitor->health_interval;
}

/* `code` is the check's exit code, or -1 if it has none. */
static void finish_check(const struct monitor *monitor, int code) {
  if (check_control >= 0) sys_close(check_control);
  check_control = -1, check_pid = 0;
  due_ms = now_ms() + monitor->health_interval;
  int is_early = now_ms() - began_ms < monitor->health_start_period;
  keep_result(code);
  if (code == 0) {
    streak = 0;
    return set_health(monitor, HEALTHY);
  }
  if (is_early && health == STARTING) return set_health(monitor, STARTING);
  streak++;
  set_health(monitor, streak >= monitor->health_retries ? UNHEALTHY : health);
}

/* If the check cannot be started, it counts as failed. */
static void start_check(const struct monitor *monitor) {
  int ends[2];
  due_ms = now_ms() + monitor->health_timeout;
  check_began = clock_ms();
  if (sys_socketpair(ends) < 0) return finish_check(monitor, -1);
  s32 descriptors[] = {0, 1, 2, ends[1], FD_HEALTH, -1, -1, -1, FD_PIDFD};
  long pid = start_plan(descriptors, 0, NULL);
  sys_close(ends[1]);
  check_control = ends[0];
  if (pid < 0) return finish_check(monitor, -1);
  check_pid = (int)pid;
  /* This may be sent at once, because it waits in the socket. REPORT_REFORKED is received later. */
  sys_write(check_control, (char[]){CONTROL_START}, 1);
}

/* A reported pid is checked: we wait for, and kill, only children of our own. */
static int is_child(s64 pid) {
  siginfo_t info;
  return pid > 1 && SYSCALL5(__NR_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
}

/* The child that joins the container continues as another process (refork), which is then the one to wait for. */
static void receive_reports(void) {
  struct report message;
  while (check_control >= 0 && sys_receive(check_control, &message, sizeof message, MSG_DONTWAIT) == sizeof message)
    if (message.kind == REPORT_REFORKED && is_child(message.value)) check_pid = (int)message.value;
}

/* Kills the check and its process group: PID 1 would reap those processes, but not end them. */
static void kill_check(void) {
  receive_reports();
  sys_kill(-check_pid, SIGKILL);
  sys_kill(check_pid, SIGKILL);
  SYSCALL4(__NR_wait4, check_pid, NULL, 0, NULL);
}

void health_run(const struct monitor *monitor) {
  if (due_ms < 0 || now_ms() < due_ms) return;
  if (check_pid) {
    kill_check();
    finish_check(monitor, -1);
  } else if (state_has("paused")) {
    due_ms = now_ms() + monitor->health_interval;
  } else {
    start_check(monitor);
  }
}

void health_child_exited(const struct monitor *monitor, int pid, int status) {
  if (!check_pid) return;
  int first = check_pid;
  receive_reports();
  if (pid != check_pid || (pid == first && check_pid != first)) return;
  finish_check(monitor, exit_code(status));
}

void health_stop(void) {
  if (check_pid) {
    kill_check();
    sys_close(check_control);
  }
  check_control = -1, check_pid = 0, due_ms = -1;
}
