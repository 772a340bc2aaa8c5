/* The health checks of a container: plans that join it and run a command there, at an interval. A container has one, as in Docker, or
 * the probes of a file of Kubernetes. Several failures in a row make a check unhealthy, and as many successes as it wants healthy;
 * during the start period failures do not count. The first check is the health that other commands see. */
#include "init.h"
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

enum { STARTING, HEALTHY, UNHEALTHY };

struct asked {
  s64 due_ms; /* when it is asked next or, while it is asked, when it times out; -1: never */
  struct helper helper;
  int output; /* -1: it is not asked now */
  u32 health, failures, successes; /* in a row */
};

static s64 began_ms; /* when the container started */
static struct asked asked[MAX_CHECKS];
static u32 is_started; /* no check with CHECK_STARTUP is awaited */
static u32 times_ended; /* by a check */
struct health_result results[HEALTH_RESULTS] LARGE; /* the latest of the first check, the newest last */
static u32 result_count;
struct health_result current[MAX_CHECKS] LARGE; /* of those that are asked now */

static const struct check *check_at(const struct monitor *monitor, u32 index) {
  return (const struct check *)((const char *)monitor + monitor->checks) + index;
}

static void write_state(void) {
  state_health(&(struct health_state){asked[0].health, asked[0].failures, is_started, times_ended}, results, result_count);
}

/* Milliseconds until there is something to do; -1: nothing. */
s64 health_due(void) {
  s64 due = -1;
  for (u32 i = 0; i < MAX_CHECKS; i++)
    if (asked[i].due_ms >= 0 && (due < 0 || asked[i].due_ms < due)) due = asked[i].due_ms;
  if (due < 0) return -1;
  s64 left = due - now_ms();
  return left < 0 ? 0 : left;
}

static void ask_no_more(void) {
  for (u32 i = 0; i < MAX_CHECKS; i++) {
    helper_kill(&asked[i].helper);
    if (asked[i].output >= 0) sys_close(asked[i].output);
    asked[i].output = -1, asked[i].due_ms = -1;
  }
}

static void end_unhealthy(const struct monitor *monitor, const struct check *check) {
  static char startup[] = "\0foster: the startupProbe has failed: the container is ended\n"; /* clients get a byte before it */
  static char liveness[] = "\0foster: the livenessProbe has failed: the container is ended\n";
  int is_startup = check->flags & CHECK_STARTUP;
  times_ended++;
  ask_no_more();
  keep_output(ERROR, (is_startup ? startup : liveness) + 1, (is_startup ? sizeof startup : sizeof liveness) - 2);
  end_container(monitor, check->grace);
}

static void set_health(const struct monitor *monitor, u32 index, u32 now) {
  static const char *const names[] = {"health=starting", "health=healthy", "health=unhealthy"};
  const struct check *check = check_at(monitor, index);
  u32 before = asked[index].health;
  asked[index].health = now;
  if (index == 0 && now != before && now != STARTING) state_event("health_status", (const char *)monitor + monitor->subject, names[now]);
  if (now == UNHEALTHY && check->flags & CHECK_KILLS) kill_container();
  if (now == UNHEALTHY && check->flags & CHECK_ENDS) end_unhealthy(monitor, check);
  if (index == 0 || now == UNHEALTHY) write_state();
}

/* What was waited for has happened: the other checks begin. */
static void set_started(const struct monitor *monitor) {
  is_started = 1;
  for (u32 i = 0; i < monitor->check_count; i++)
    asked[i].due_ms = check_at(monitor, i)->flags & CHECK_STARTUP ? -1 : began_ms + check_at(monitor, i)->first;
  write_state();
}

static void keep_result(const struct health_result *result) {
  if (result_count == HEALTH_RESULTS)
    for (u32 i = 1; i < HEALTH_RESULTS; i++) results[i - 1] = results[i];
  else
    result_count++;
  results[result_count - 1] = *result;
}

/* What the check writes; -1 if it is not asked now. */
int health_output(u32 index) { return asked[index].output; }

/* Reads what a check has written so far. The first of it is kept; nothing holds the check up. */
void health_read(u32 index) {
  char rest[4096];
  struct asked *it = &asked[index];
  struct health_result *result = &current[index];
  for (int reads = 0; it->output >= 0 && reads < 32; reads++) {
    u32 room = HEALTH_OUTPUT - (result->size < HEALTH_OUTPUT ? result->size : HEALTH_OUTPUT);
    long size = room ? sys_read(it->output, result->output + result->size, room) : sys_read(it->output, rest, sizeof rest);
    if (size == -EAGAIN || size == -EINTR) return;
    if (size <= 0) {
      sys_close(it->output);
      it->output = -1;
    } else {
      result->size = room ? result->size + (u32)size : HEALTH_OUTPUT + 1;
    }
  }
}

static int is_early(const struct check *check) { return now_ms() - began_ms < check->start_period; }

/* More often while it starts: Docker's rule. */
static u32 interval(const struct check *check, const struct asked *it) {
  return it->health == STARTING && is_early(check) ? check->start_interval : check->interval;
}

void health_start(const struct monitor *monitor) {
  began_ms = now_ms();
  is_started = 1, result_count = 0;
  for (u32 i = 0; i < MAX_CHECKS; i++) asked[i] = (struct asked){.due_ms = -1, .helper = NO_HELPER, .output = -1};
  if (!monitor->check_count) return;
  for (u32 i = 0; i < monitor->check_count; i++)
    if (check_at(monitor, i)->flags & CHECK_STARTUP) is_started = 0;
  for (u32 i = 0; i < monitor->check_count; i++)
    if (is_started || check_at(monitor, i)->flags & CHECK_STARTUP) asked[i].due_ms = began_ms + check_at(monitor, i)->first;
  write_state();
}

static void note_success(const struct monitor *monitor, u32 index) {
  const struct check *check = check_at(monitor, index);
  struct asked *it = &asked[index];
  it->failures = 0;
  if (it->successes < check->successes) it->successes++;
  set_health(monitor, index, it->successes >= check->successes ? HEALTHY : it->health);
  if (check->flags & CHECK_STARTUP && it->health == HEALTHY) set_started(monitor);
}

static void note_failure(const struct monitor *monitor, u32 index) {
  const struct check *check = check_at(monitor, index);
  struct asked *it = &asked[index];
  it->successes = 0;
  if (!is_early(check) || it->health != STARTING) it->failures++;
  set_health(monitor, index, it->failures && it->failures >= check->failures ? UNHEALTHY : it->health);
}

/* `code` is the check's exit code, or -1 if it has none. */
static void finish_check(const struct monitor *monitor, u32 index, int code) {
  struct asked *it = &asked[index];
  health_read(index);
  if (it->output >= 0) sys_close(it->output);
  it->output = -1;
  current[index].code = code, current[index].ended = clock_ms();
  if (index == 0) keep_result(&current[0]);
  it->due_ms = now_ms(); /* unless this ends it */
  if (code == 0)
    note_success(monitor, index);
  else
    note_failure(monitor, index);
  if (it->due_ms >= 0) it->due_ms = now_ms() + interval(check_at(monitor, index), it);
}

/* If the check cannot be started, it counts as failed. */
static void start_check(const struct monitor *monitor, u32 index) {
  int output[2];
  struct asked *it = &asked[index];
  it->due_ms = now_ms() + check_at(monitor, index)->timeout;
  current[index].began = clock_ms(), current[index].size = 0;
  if (open_pipe(output) < 0) return finish_check(monitor, index, -1);
  SYSCALL3(__NR_fcntl, output[0], F_SETFL, O_NONBLOCK);
  it->output = output[0];
  long error = helper_start(&it->helper, FD_CHECKS + (s32)index, output[1]);
  sys_close(output[1]);
  if (error < 0) finish_check(monitor, index, -1);
}

void health_run(const struct monitor *monitor) {
  for (u32 i = 0; i < monitor->check_count; i++) {
    struct asked *it = &asked[i];
    if (it->due_ms < 0 || now_ms() < it->due_ms) continue;
    if (it->helper.pid) {
      helper_kill(&it->helper);
      finish_check(monitor, i, -1);
    } else if (state_has("paused")) {
      it->due_ms = now_ms() + interval(check_at(monitor, i), it);
    } else {
      start_check(monitor, i);
    }
  }
}

void health_child_exited(const struct monitor *monitor, int pid, int status) {
  for (u32 i = 0; i < monitor->check_count; i++)
    if (helper_ended(&asked[i].helper, pid)) finish_check(monitor, i, exit_code(status));
}

void health_stop(void) { ask_no_more(); }
