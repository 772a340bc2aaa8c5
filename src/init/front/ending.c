/* The end of a container, as src/container/signal.ts brings it about and waits for it. */
#include "job.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

enum { END_TIMEOUT = 10000, KILL_AGAIN = 1000, MAX_DELAY = 50 /* ms */ };

/* Whether PID 1 has. */
int has_ended(const struct job *job) {
  struct pollfd poll = {.fd = job->target.pidfd, .events = POLLIN};
  s64 now[2] = {0, 0};
  return SYSCALL5(__NR_ppoll, &poll, 1, now, NULL, 8) > 0;
}

/* Records a fact by an empty file. */
static int mark(const struct job *job, const char *name) {
  int file = (int)sys_openat(job->target.folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return 0;
  return sys_close(file), 1;
}

/* Keeps its monitor from starting it again. */
int mark_stopped(const struct job *job) { return mark(job, "stopped"); }

/* Keeps its monitor from removing it at its end, though it has --rm: it is about to be started again. */
int mark_staying(const struct job *job) { return mark(job, "stays"); }

/* All processes of its PID namespace die with PID 1. */
void kill_all(struct job *job) { SYSCALL4(__NR_pidfd_send_signal, job->target.pidfd, SIGKILL, NULL, 0); }

/* Begins to wait until it has ended, and its lock is free. */
void await_end(struct job *job) {
  s64 now = now_ms();
  job->phase = JOB_ENDING, job->due = now + KILL_AGAIN, job->deadline = now + END_TIMEOUT, job->delay = 1;
}

/* A container that waits to be started again has an exit code, and its monitor is to end. */
static void tell_monitor(struct job *job) {
  int monitor = job->was_told || !exists(job->target.folder, "exit") ? -1 : open_monitor(job->target.folder);
  if (monitor < 0) return;
  job->was_told = SYSCALL4(__NR_pidfd_send_signal, monitor, SIGTERM, NULL, 0) == 0;
  sys_close(monitor);
}

/* Looks at it again, after PID 1 has ended or at `due`. It has been killed; or it was started again before its monitor noticed that it
 * must not be. */
void watch_end(struct job *job) {
  s64 now = now_ms();
  struct live live;
  if (job->target.pidfd >= 0) {
    if (!has_ended(job)) kill_all(job);
    sys_close(job->target.pidfd);
    job->target.pidfd = -1;
  }
  int is_held = is_locked(&job->target), is_alive = is_held && open_init(&job->target);
  int is_damaged = is_held && !read_live(job->target.folder, &live) && exists(job->target.folder, "live");
  job->phase = !is_held ? JOB_DONE : JOB_ENDING;
  if (is_held && (now > job->deadline || is_damaged || is_monitor_stopped(job->target.folder))) job->phase = JOB_LEFT;
  /* one that is reaped just now is none any more, and has been killed as it should be */
  if (is_alive && !is_namespace_init(job->target.pid) && !has_ended(job)) job->phase = JOB_LEFT;
  job->due = now + (is_alive ? KILL_AGAIN : job->delay);
  if (is_alive || !is_held) return;
  job->target.pidfd = -1;
  tell_monitor(job);
  job->delay = job->delay * 2 < MAX_DELAY ? job->delay * 2 : MAX_DELAY;
}
