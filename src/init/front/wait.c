/* Waits until a container has ended for good, as src/container/wait.ts does. */
#include "job.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>

enum { MAX_EVENTS = 16 << 20 /* bytes; the file is kept shorter than that */, MAX_PAUSE = 100 /* ms */, KILLED = 137 };

static int begins_with(const char *text, const char *end, const char *start) {
  while (*start && text < end && *text == *start) text++, start++;
  return !*start;
}

/* Of "MS die ID NAME exitCode=N ...", given the line; -1 if this is another one. */
static int exit_in_event(const char *line, const char *end, const char *id) {
  char wanted[ID_SIZE + 8];
  append(append(append(wanted, " die "), id), " ");
  while (line < end && *line >= '0' && *line <= '9') line++;
  if (!begins_with(line, end, wanted)) return -1;
  for (; line < end; line++)
    if (begins_with(line, end, " exitCode=")) return (int)read_number(line + sizeof " exitCode=" - 1);
  return -1;
}

/* Of the last such event since the wait began, of a container that is gone with its files; -1 if there is none. */
static int exit_in_events(const struct job *job) {
  struct stat info;
  int code = -1;
  if (job->events < 0 || SYSCALL2(__NR_fstat, job->events, &info) < 0) return -1;
  /* one that is shorter than before was rotated meanwhile */
  s64 from = info.st_size < job->events_size ? 0 : job->events_size;
  if (info.st_size - from > MAX_EVENTS) from = info.st_size - MAX_EVENTS;
  s64 size = info.st_size - from;
  long at = syscall6(__NR_mmap, 0, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return -1;
  size = SYSCALL4(__NR_pread64, job->events, at, size, from);
  const char *line = (const char *)at, *end = line + (size > 0 ? size : 0);
  while (line < end) {
    const char *stop = line;
    while (stop < end && *stop != '\n') stop++;
    int found = exit_in_event(line, stop, job->target.id);
    if (found >= 0) code = found;
    line = stop + 1;
  }
  return code;
}

static void pause_for(struct job *job) {
  struct pollfd poll = {.fd = job->target.pidfd, .events = POLLIN};
  s64 time[2] = {0, job->delay * 1000000};
  SYSCALL5(__NR_ppoll, &poll, 1, poll.fd < 0 ? time : NULL, NULL, 8);
}

/* Prints its exit code. */
int wait_for(struct job *job) {
  struct live live;
  char text[24];
  job->delay = 1;
  while (job->is_alive && is_locked(&job->target)) {
    if (job->target.pidfd >= 0) sys_close(job->target.pidfd);
    if (!open_init(&job->target)) job->target.pidfd = -1;
    pause_for(job);
    job->delay = job->target.pidfd >= 0 ? 1 : job->delay * 2 < MAX_PAUSE ? job->delay * 2 : MAX_PAUSE;
  }
  int code = read_exit(job->target.folder);
  if (code == NO_EXIT && job->is_alive) code = exit_in_events(job);
  if (code == NO_EXIT && read_live(job->target.folder, &live)) code = KILLED; /* with its monitor */
  if (code == NO_EXIT && !job->is_alive) code = 0; /* it was never started */
  if (code < 0) return 0;
  append(append_number(text, (u64)code), "\n");
  return say(1, text);
}
