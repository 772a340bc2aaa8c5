/* Watches for processes of the container that the kernel kills because they need more memory than the limit of its cgroup. */
#include "monitor.h"

/* The exit status does not show that a process was killed for its memory, but its cgroup counts such kills. systemd may remove
 * the cgroup as soon as the last process has ended, so the count is read whenever it changes. */
void check_oom_kills(void) {
  s64 kills = run.oom_file < 0 ? -1 : cgroup_oom_kills(run.oom_file);
  if (kills < 0 && run.oom_file >= 0) sys_close(run.oom_file), run.oom_file = -1;
  if (kills > 0 && run.oom_kills == 0) {
    state_mark("oom");
    monitor_event("oom", "");
  }
  if (kills > 0) run.oom_kills = kills;
}

void begin_oom_watch(void) {
  const char *path = monitor_text(run.config->oom), *name = path + string_length(path) + 1;
  run.oom_kills = 0;
  run.oom_file = run.config->oom ? (int)cgroup_open_oom(path, name) : -1;
  check_oom_kills(); /* poll(2) reports changes since the last read */
}

void end_oom_watch(void) {
  check_oom_kills();
  if (run.oom_file >= 0) sys_close(run.oom_file);
  run.oom_file = -1;
  if (!run.oom_kills || !run.has_caller) return;
  const char *path = monitor_text(run.config->oom), *name = path + string_length(path) + 1;
  caller_print(name + string_length(name) + 1);
}
