/* Runs a container in the background, and restarts it as its restart policy says. */
#include "monitor.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#define MIN_DELAY_MS 100
#define MAX_DELAY_MS 60000
#define POD_INTERVAL_MS 200 /* between two looks whether the pod runs */
#define STABLE_MS 10000 /* after a run of this length the delay starts anew: Docker's rule */

enum { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

static int has_run;

/* Counts a failure of the container. Returns how many there are now: of all containers of its Job, if it is one of a Job's. */
static u32 count_failure(void) {
  u32 own = run.restarts + 1;
  if (!run.config->failure_file) return own;
  long fd = sys_openat(AT_FDCWD, monitor_text(run.config->failure_file), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return own;
  long wrote = sys_write((int)fd, ".", 1), size = SYSCALL3(__NR_lseek, fd, 0, 1 /* SEEK_CUR */);
  sys_close((int)fd);
  return wrote == 1 && size > 0 ? (u32)size : own;
}

static int should_restart(int code) {
  u32 policy, most;
  state_restart_policy(&policy, &most);
  if (run.is_shutdown || state_has("stopped") || policy == RESTART_NO || policy > RESTART_UNLESS_STOPPED) return 0;
  if (run.exec_code && !run.restarts) return 0; /* it never ran, and the starter was notified */
  if (policy == RESTART_ON_FAILURE) return code != 0 && (most == 0 || count_failure() <= most);
  return 1;
}

static int is_termination_signal(int signal) {
  return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM;
}

/* Waits `ms`. Returns 0 if the container was told to stay stopped. */
static int wait_to_restart(s64 ms) {
  s64 deadline = now_ms() + ms, left;
  while (!state_has("stopped") && (left = deadline - now_ms()) > 0) {
    struct pollfd polls[2 + MAX_CLIENTS] = {{.fd = run.signals, .events = POLLIN}, {.fd = attach_listener(), .events = POLLIN}};
    for (int i = 0; i < MAX_CLIENTS; i++) polls[2 + i] = (struct pollfd){.fd = attach_client(i), .events = POLLIN};
    s64 time[2] = {left / 1000, left % 1000 * 1000000};
    if (SYSCALL5(__NR_ppoll, polls, 2 + MAX_CLIENTS, time, NULL, 8) < 0) continue;
    if (polls[0].revents && is_termination_signal(handle_signal())) return 0;
    if (polls[1].revents) attach_accept();
    int is_for_group;
    for (int i = 0; i < MAX_CLIENTS; i++)
      if (polls[2 + i].revents && is_termination_signal(serve_client(i, &is_for_group))) return 0;
  }
  return !state_has("stopped");
}

/* A member of a pod cannot be started before the pod runs again. Returns as wait_to_restart. */
static int wait_for_pod(void) {
  while (run.config->joined && reopen_joined() < 0)
    if (!wait_to_restart(POD_INTERVAL_MS)) return 0;
  return 1;
}

static void close_streams(void) {
  for (struct stream *stream = &run.streams[OUTPUT]; stream < run.streams + STREAM_COUNT; stream++) {
    if (stream->from >= 0) sys_close(stream->from);
    stream_close(stream);
  }
  close_started(&run.container);
}

/* Runs the container once, from its start to its end. Returns its exit code. */
static int run_once(void) {
  if (run.restarts) adopt_next();
  if (start_run() == 0) {
    has_run = 1;
    serve_run();
    int code = finish_run();
    close_streams();
    return code;
  }
  if (run.container.pid > 0) {
    sys_kill(run.container.pid, SIGKILL);
    undo_all_host_steps(0); /* comes first: PID 1 cannot be killed while it waits for a FUSE program */
    SYSCALL4(__NR_wait4, run.container.pid, NULL, 0, NULL);
  }
  close_streams();
  if (run.restarts) state_ended(COULD_NOT_START, monitor_text(run.config->subject));
  return COULD_NOT_START;
}

int run_with_restarts(void) {
  SYSCALL0(__NR_setsid); /* the end of the caller's session must not end the container */
  SYSCALL1(__NR_chdir, "/");
  s64 delay = MIN_DELAY_MS;
  for (;; run.restarts++) {
    s64 began = now_ms();
    int code = run_once();
    if (now_ms() - began >= STABLE_MS) delay = MIN_DELAY_MS;
    if (!has_run || !should_restart(code) || !wait_to_restart(delay) || !wait_for_pod()) {
      report_exit(code);
      janitor_finish();
      run_last_program(code);
      return code;
    }
    delay = delay * 2 < MAX_DELAY_MS ? delay * 2 : MAX_DELAY_MS;
  }
}
