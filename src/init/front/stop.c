/* Tells a container to end, and kills it after a timeout, as src/container/stop.ts does. */
#include "job.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>

enum { NEVER = 1 << 30 /* seconds */ };

static s64 timeout_of(const struct job *job) { return job->request->has_timeout ? job->request->timeout : job->record.stop_timeout; }

static int signal_of(const struct job *job) { return job->request->signal ? job->request->signal : (int)job->record.stop_signal; }

static char *own_process(char line[64]) {
  char start[STAT_FIELD_SIZE];
  int pid = (int)sys_getpid();
  process_start(pid, start);
  return append(append(append(append_number(line, (u64)pid), " "), start), "\n");
}

/* Notes that this process waits for the end, so that others see that status. On a full disk it goes without. */
static void note_stopping(const struct job *job) {
  char line[64];
  char *end = own_process(line);
  int file = (int)sys_openat(job->target.folder, "stopping", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return;
  sys_write(file, line, (size_t)(end - line));
  sys_close(file);
}

static void take_note_back(const struct job *job) {
  char own[64], line[64];
  own_process(own);
  int file = (int)sys_openat(job->target.folder, "stopping", O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  long size = file < 0 ? 0 : sys_read(file, line, sizeof line - 1);
  if (file >= 0) sys_close(file);
  line[size > 0 ? size : 0] = 0;
  if (string_equal(line, own)) SYSCALL3(__NR_unlinkat, job->target.folder, "stopping", 0);
}

int begin_stop(struct job *job) {
  s64 timeout = timeout_of(job);
  job->phase = JOB_DONE;
  if (!job->is_alive) return 1;
  if (job->request->verb == VERB_RESTART && job->record.is_temporary) {
    if (!mark_staying(job)) return 0;
    fault_point("marked as staying");
  }
  if (!mark_stopped(job)) return 0;
  fault_point("marked as stopped");
  note_stopping(job);
  /* with no time to end, the signal is not sent: how far its handler gets would be random */
  if (timeout) SYSCALL4(__NR_pidfd_send_signal, job->target.pidfd, signal_of(job), NULL, 0);
  fault_point("asked to end");
  job->phase = JOB_ASKED, job->due = now_ms() + 1000 * (timeout < 0 ? NEVER : timeout);
  return 1;
}

static void warn(const struct job *job, char **envp) {
  char text[MAX_NAME + 160], signal[32];
  unsigned short window[4];
  const char *no_colour = variable(envp, "NO_COLOR"), *term = variable(envp, "TERM");
  int is_plain = (no_colour && *no_colour) || (term && string_equal(term, "dumb")) || sys_ioctl(2, TIOCGWINSZ, window) < 0;
  s64 seconds = timeout_of(job);
  append_signal_name(signal, signal_of(job));
  char *end = append(append(text, is_plain ? "foster: warning:" : "\033[1;33mfoster: warning:\033[0m"), " container ");
  end = append(append(end, job->record.name), " did not end within ");
  end = seconds == 1 ? append(end, "a second") : append(append_number(end, (u64)seconds), " seconds");
  append(append(append(end, " of "), signal), ": killed\n");
  say(2, text);
}

/* Looks at it again, after PID 1 has ended or at the end of its time. */
void watch_stop(struct job *job, char **envp) {
  if (!has_ended(job)) {
    kill_all(job);
    if (timeout_of(job)) warn(job, envp);
  }
  take_note_back(job);
  await_end(job);
}

void finish_stop(const struct job *job) {
  fault_point("ended");
  record_event(job->target.data, &job->record, "stop", "");
}
