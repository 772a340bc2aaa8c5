/* Blobs of monitors that start their container themselves: reports of PID 1, clients, health checks, restarts. */
#include "world.h"

#include "../../src/init/attach.c"
#include "../../src/init/health.c"
#include "../../src/init/hook.c"
#include "../../src/init/restart.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  has_run = 0;
  listener = owner = -1, is_abandoned = 0, post_start = pre_stop = NO_HELPER, signal_ms = kill_ms = -1, times_ended = 0;
  for (int i = 0; i < MAX_CHECKS; i++) asked[i] = (struct asked){.due_ms = -1, .helper = NO_HELPER, .output = -1};
  for (int i = 0; i < MAX_CLIENTS; i++) clients[i] = -1, wants_all[i] = 0, inputs[i].size = inputs[i].at = 0;
  begin_run_with_blob(data, size, sizeof(struct monitor));
  ((struct monitor *)mapped)->pid = 0;
  RUN(run_monitor());
  end_run_with_blob();
  return 0;
}
