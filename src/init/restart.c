/* The lives of a container in the background: it is started, and started again where its restart policy says so. */
#include "monitor.h"

#include <linux/poll.h>

#define SHORTEST_DELAY_MS 100
#define LONGEST_DELAY_MS 60000
#define STEADY_MS 10000 /* who has run for so long is restarted without much delay: Docker's rule */

enum { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

static int has_run;

static int is_to_be_restarted(int code) {
  u32 policy, most;
  state_restart_policy(&policy, &most);
  if (state_has("stopped") || policy == RESTART_NO || policy > RESTART_UNLESS_STOPPED) return 0;
  if (life.exec_code && !life.restarts) return 0; /* it never ran, and whoever started it knows */
  if (policy == RESTART_ON_FAILURE) return code != 0 && (most == 0 || life.restarts < most);
  return 1;
}

static int asks_to_end(int signal) { return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM; }

/* Waits `ms`. Returns 0 when somebody wants the container to stay stopped. */
static int wait_to_restart(s64 ms) {
  s64 deadline = now_ms() + ms, left;
  while (!state_has("stopped") && (left = deadline - now_ms()) > 0) {
    struct pollfd polls[2 + MAX_CLIENTS] = {{.fd = life.signals, .events = POLLIN}, {.fd = attach_listener(), .events = POLLIN}};
    for (int i = 0; i < MAX_CLIENTS; i++) polls[2 + i] = (struct pollfd){.fd = attach_client(i), .events = POLLIN};
    s64 time[2] = {left / 1000, left % 1000 * 1000000};
    if (SYSCALL5(__NR_ppoll, polls, 2 + MAX_CLIENTS, time, NULL, 8) < 0) continue;
    if (polls[0].revents && asks_to_end(take_signal())) return 0;
    if (polls[1].revents) attach_accept();
    int is_for_group;
    for (int i = 0; i < MAX_CLIENTS; i++)
      if (polls[2 + i].revents && asks_to_end(serve_client(i, &is_for_group))) return 0;
  }
  return !state_has("stopped");
}

static void close_streams(void) {
  for (struct stream *stream = &life.streams[OUTPUT]; stream < life.streams + STREAM_COUNT; stream++) {
    if (stream->from >= 0) sys_close(stream->from);
    stream_close(stream);
  }
  end_started(&life.container);
}

/* One life of the container, from its start to its end. Returns its exit code. */
static int live_once(void) {
  if (begin_life() == 0) {
    has_run = 1;
    serve_life();
    int code = end_life();
    close_streams();
    return code;
  }
  if (life.container.pid > 0) {
    sys_kill(life.container.pid, SIGKILL);
    undo_host_steps(&life.host, 0); /* before PID 1, which may wait for an answer from there, and cannot be killed then */
    SYSCALL4(__NR_wait4, life.container.pid, NULL, 0, NULL);
  }
  close_streams();
  if (life.restarts) state_ended(COULD_NOT_START, monitor_text(life.config->subject));
  return COULD_NOT_START;
}

int run_lives(void) {
  SYSCALL0(__NR_setsid); /* the end of the caller's session is not the container's */
  SYSCALL1(__NR_chdir, "/");
  s64 delay = SHORTEST_DELAY_MS;
  for (;; life.restarts++) {
    s64 began = now_ms();
    int code = live_once();
    if (now_ms() - began >= STEADY_MS) delay = SHORTEST_DELAY_MS;
    if (!has_run || !is_to_be_restarted(code) || !wait_to_restart(delay)) {
      tell_exit(code);
      janitor_finish();
      return code;
    }
    delay = delay * 2 < LONGEST_DELAY_MS ? delay * 2 : LONGEST_DELAY_MS;
  }
}
