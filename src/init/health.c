/* The health check of a container: a plan that joins the container and runs a command there, at an interval. The rules are
 * Docker's: one success makes it healthy, several failures in a row unhealthy; during the start period failures do not
 * count. */
#include "init.h"
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

enum { STARTING, HEALTHY, UNHEALTHY };

static s64 began_ms;     /* when the container started */
static s64 due_ms = -1;  /* when the next check starts or, while one runs, when it times out */
static int check_pid;    /* 0: no check runs */
static int check_control = -1, check_output = -1;
static u32 health, streak;
struct health_result results[HEALTH_RESULTS] LARGE; /* the latest, the newest last */
static u32 result_count;
struct health_result current LARGE; /* the check that runs */

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
  current.code = code, current.ended = clock_ms();
  results[result_count - 1] = current;
}

int health_output(void) { return check_output; }

/* Reads what the check has written so far. The first of it is kept; nothing holds the check up. */
void health_read(void) {
  char rest[4096];
  for (int reads = 0; check_output >= 0 && reads < 32; reads++) {
    u32 room = HEALTH_OUTPUT - (current.size < HEALTH_OUTPUT ? current.size : HEALTH_OUTPUT);
    long size = room ? sys_read(check_output, current.output + current.size, room) : sys_read(check_output, rest, sizeof rest);
    if (size == -EAGAIN || size == -EINTR) return;
    if (size <= 0) {
      sys_close(check_output);
      check_output = -1;
    } else {
      current.size = room ? current.size + (u32)size : HEALTH_OUTPUT + 1;
    }
  }
}

/* More often while it starts: Docker's rule. */
static u32 interval(const struct monitor *monitor) {
  int is_early = health == STARTING && now_ms() - began_ms < monitor->health_start_period;
  return is_early ? monitor->health_start_interval : monitor->health_interval;
}

void health_start(const struct monitor *monitor) {
  if (!(monitor->flags & MONITOR_HEALTH)) return;
  began_ms = now_ms();
  streak = result_count = 0;
  set_health(monitor, STARTING);
  due_ms = began_ms + interval(monitor);
}

/* `code` is the check's exit code, or -1 if it has none. */
static void finish_check(const struct monitor *monitor, int code) {
  if (check_control >= 0) sys_close(check_control);
  health_read();
  if (check_output >= 0) sys_close(check_output);
  check_control = check_output = -1, check_pid = 0;
  int is_early = now_ms() - began_ms < monitor->health_start_period;
  keep_result(code);
  if (code == 0) {
    streak = 0;
    set_health(monitor, HEALTHY);
  } else if (is_early && health == STARTING) {
    set_health(monitor, STARTING);
  } else {
    streak++;
    set_health(monitor, streak >= monitor->health_retries ? UNHEALTHY : health);
  }
  due_ms = now_ms() + interval(monitor);
}

/* If the check cannot be started, it counts as failed. */
static void start_check(const struct monitor *monitor) {
  int ends[2], output[2];
  due_ms = now_ms() + monitor->health_timeout;
  current.began = clock_ms(), current.size = 0;
  if (sys_socketpair(ends) < 0) return finish_check(monitor, -1);
  check_control = ends[0];
  if (open_pipe(output) < 0) return sys_close(ends[1]), finish_check(monitor, -1);
  SYSCALL3(__NR_fcntl, output[0], F_SETFL, O_NONBLOCK);
  check_output = output[0];
  s32 descriptors[] = {0, output[1], output[1], ends[1], FD_HEALTH, -1, -1, -1, FD_PIDFD};
  long pid = start_plan(descriptors, PLAN_FD_JOIN + 1, 0, NULL);
  sys_close(ends[1]), sys_close(output[1]);
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
    due_ms = now_ms() + interval(monitor);
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
    if (check_output >= 0) sys_close(check_output);
  }
  check_control = check_output = -1, check_pid = 0, due_ms = -1;
}
