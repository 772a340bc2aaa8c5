/* The hooks of a container: plans that join it. One is run beside its program at each start; if it fails, the container is killed, and
 * its restart policy decides. The other is run before the stop signal where a health check ends the container: as foster stop does. */
#include "init.h"
#include "monitor.h"

#define LEAST_MS 2000 /* Kubernetes's: where the hook has taken all of the time, there is still this for the signal */

static struct helper post_start = NO_HELPER, pre_stop = NO_HELPER;
static s64 signal_ms = -1, kill_ms = -1; /* when it gets its stop signal, and when SIGKILL; -1: never */

static void fail(void) {
  static char text[] = "\0foster: the hook postStart has failed: the container is killed\n"; /* clients get a byte before it */
  keep_output(ERROR, text + 1, sizeof text - 2);
  kill_container();
}

void hook_start(const struct monitor *monitor) {
  signal_ms = kill_ms = -1;
  if (!(monitor->flags & MONITOR_POST_START)) return;
  if (helper_start(&post_start, FD_POST_START, 0) < 0) fail();
}

/* Tells the container to end, and kills it after `grace` milliseconds. */
void end_container(const struct monitor *monitor, u32 grace) {
  if (kill_ms >= 0) return;
  if (!grace) return kill_container();
  s64 now = now_ms();
  kill_ms = now + grace;
  signal_ms = monitor->pre_stop_pause < grace ? now + monitor->pre_stop_pause : kill_ms;
  if (monitor->flags & MONITOR_PRE_STOP && helper_start(&pre_stop, FD_PRE_STOP, 0) >= 0) signal_ms = kill_ms;
}

/* Milliseconds until there is something to do; -1: nothing. */
s64 end_due(void) {
  s64 due = signal_ms >= 0 ? signal_ms : kill_ms;
  if (due < 0) return -1;
  s64 left = due - now_ms();
  return left < 0 ? 0 : left;
}

void end_run(const struct monitor *monitor) {
  if (end_due() != 0) return;
  if (signal_ms < 0) {
    kill_container();
    kill_ms = now_ms() + LEAST_MS;
    return;
  }
  helper_kill(&pre_stop);
  signal_ms = -1;
  if (kill_ms < now_ms() + LEAST_MS && (monitor->flags & MONITOR_PRE_STOP || monitor->pre_stop_pause)) kill_ms = now_ms() + LEAST_MS;
  signal_container((int)monitor->stop_signal, 0);
}

void hook_child_exited(int pid, int status) {
  static char text[] = "\0foster: the hook preStop has failed\n";
  if (helper_ended(&post_start, pid) && exit_code(status) != 0) fail();
  if (!helper_ended(&pre_stop, pid)) return;
  if (exit_code(status) != 0) keep_output(ERROR, text + 1, sizeof text - 2);
  signal_ms = now_ms();
}

void hook_stop(void) {
  helper_kill(&post_start), helper_kill(&pre_stop);
  signal_ms = kill_ms = -1;
}
