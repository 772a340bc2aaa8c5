/* Sends a signal to a container, as src/container/kill.ts does. */
#include "job.h"

int begin_kill(struct job *job) {
  char signal[32];
  int is_end = job->request->signal == SIGKILL || job->request->signal == job->record.stop_signal;
  if (is_end && !mark_stopped(job)) return 0;
  fault_point("marked as stopped");
  append_number(append(signal, " signal="), (u64)job->request->signal);
  record_event(job->target.data, &job->record, "kill", signal);
  long error = SYSCALL4(__NR_pidfd_send_signal, job->target.pidfd, job->request->signal, NULL, 0);
  job->phase = JOB_DONE;
  if (job->request->signal != SIGKILL) return error >= 0;
  thaw_cgroups(job->target.folder);
  fault_point("killed");
  return await_end(job), 1;
}
