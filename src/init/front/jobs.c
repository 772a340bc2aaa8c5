/* Does what is asked for with several containers at once. Whatever is left over is Node's. */
#include "job.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

/* Whether it runs, and all about it is clear: its processes can be seen, and end with PID 1. */
static int is_plainly_alive(const struct job *job) {
  const struct target *target = &job->target;
  return !exists(target->folder, "exit") && is_namespace_init(target->pid) && (job->request->verb == VERB_WAIT || !exists(target->folder, "paused"));
}

static int is_plainly_dead(const struct target *target) {
  struct live live;
  return !is_locked(target) && (read_live(target->folder, &live) || !exists(target->folder, "live"));
}

/* Whether the front does all of this verb for a container in this state. */
static int is_suitable(const struct job *job) {
  const struct job_request *request = job->request;
  int signal = request->signal ? request->signal : (int)job->record.stop_signal;
  static struct cgroups cgroups;
  char name[32];
  switch (request->verb) {
    case VERB_KILL: /* PID 1 cannot pass SIGSTOP on */
      return job->is_alive && signal != SIGSTOP && read_cgroups(job->target.folder, &cgroups);
    case VERB_STOP:
    case VERB_RESTART:
      return append_signal_name(name, signal) != NULL;
    case VERB_RM:
      return (!job->is_alive || request->is_forced) && read_cgroups(job->target.folder, &cgroups);
    default:
      return 1;
  }
}

/* Finds a container, before anything is done to any. */
static int prepare(struct job *job, char **envp) {
  struct stat info = {.st_size = 0};
  if (!find_folder(job->reference, envp, &job->target)) return 0;
  if (!read_record(&job->target, &job->record)) return because("the record is not plain of container ", job->reference, "");
  job->is_alive = open_init(&job->target);
  if (!job->is_alive) job->target.pidfd = -1;
  job->events = (int)sys_openat(job->target.data, "events", O_RDONLY | O_CLOEXEC, 0);
  if (job->events >= 0) SYSCALL2(__NR_fstat, job->events, &info);
  job->events_size = info.st_size;
  if (!(job->is_alive ? is_plainly_alive(job) : is_plainly_dead(&job->target)) || !is_suitable(job))
    return because("the state or the parts of the container are Node's: ", job->reference, "");
  return are_events_short(job->events_size);
}

static int is_twice(const struct job *jobs, u32 count) {
  for (u32 i = 0; i < count; i++)
    for (u32 other = 0; other < i; other++)
      if (string_equal(jobs[i].target.id, jobs[other].target.id)) return 1;
  return 0;
}

static int begin(struct job *job) {
  switch (job->request->verb) {
    case VERB_KILL:
      return begin_kill(job);
    case VERB_STOP:
    case VERB_RESTART:
      return begin_stop(job);
    case VERB_RM:
      return begin_removal(job);
    default:
      return job->phase = JOB_DONE, wait_for(job);
  }
}

/* Takes a word out of the command line, which is what is left for Node. */
static void drop_word(char **argv, const char *word) {
  while (*argv && *argv != word) argv++;
  for (; *argv; argv++) argv[0] = argv[1];
}

/* The last steps, and its name on standard output. */
static void finish(struct job *job, char **argv, int programs) {
  char line[MAX_NAME + 2];
  if (job->phase == JOB_LEFT) return;
  int is_stop = job->request->verb == VERB_STOP || job->request->verb == VERB_RESTART;
  if (is_stop && job->is_alive) finish_stop(job);
  if (job->request->verb == VERB_RESTART) return; /* it is still to be started */
  if (job->request->verb == VERB_RM && !remove_container(job, programs)) return (void)(job->phase = JOB_LEFT);
  append(append(line, job->reference), "\n");
  if (job->request->verb != VERB_WAIT) job->is_unsaid = !print_result(line); /* a second kill or removal by Node would fail in another way */
  drop_word(argv, job->reference);
}

static int is_waiting(const struct job *job) { return job->phase == JOB_ASKED || job->phase == JOB_ENDING; }

/* Until there is something to do. Returns 0 if nothing is waited for. */
static int await_any(const struct job *jobs, u32 count) {
  struct pollfd polls[MAX_JOBS];
  s64 now = now_ms(), due = -1;
  for (u32 i = 0; i < count; i++) {
    polls[i] = (struct pollfd){.fd = is_waiting(&jobs[i]) ? jobs[i].target.pidfd : -1, .events = POLLIN};
    if (is_waiting(&jobs[i]) && (due < 0 || jobs[i].due < due)) due = jobs[i].due;
  }
  if (due < 0) return 0;
  s64 left = due > now ? due - now : 0, time[2] = {left / 1000, left % 1000 * 1000000};
  SYSCALL5(__NR_ppoll, polls, count, time, NULL, 8);
  return 1;
}

static void step(struct job *job, char **envp) {
  int is_due = now_ms() >= job->due || (job->target.pidfd >= 0 && has_ended(job));
  if (is_due && job->phase == JOB_ASKED) watch_stop(job, envp);
  else if (is_due) watch_end(job);
}

/* Returns whether all is done; otherwise what is left is in `argv`. */
int do_jobs(struct job_request *request, char **argv, char **envp, int programs) {
  static struct job jobs[MAX_JOBS];
  u32 count = request->count;
  int is_all = 1, is_unsaid = 0;
  for (u32 i = 0; i < count; i++) {
    jobs[i] = (struct job){.request = request, .reference = request->references[i], .target = {.pidfd = -1}};
    if (!prepare(&jobs[i], envp)) return 0;
  }
  if (is_twice(jobs, count)) return because("a container is named twice", "", "");
  say_without_node();
  take_signals();
  for (u32 i = 0; i < count; i++) {
    if (!begin(&jobs[i])) jobs[i].phase = JOB_LEFT;
    if (!is_waiting(&jobs[i])) finish(&jobs[i], argv, programs);
  }
  while (await_any(jobs, count)) {
    for (u32 i = 0; i < count; i++) {
      if (!is_waiting(&jobs[i])) continue;
      step(&jobs[i], envp);
      if (!is_waiting(&jobs[i])) finish(&jobs[i], argv, programs);
    }
  }
  for (u32 i = 0; i < count; i++) is_all &= jobs[i].phase == JOB_DONE, is_unsaid |= jobs[i].is_unsaid;
  if (is_all && is_unsaid) sys_exit(1);
  return is_all;
}
