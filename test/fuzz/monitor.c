/* Blobs of monitors, and everything that the monitor of a container in the foreground receives: reports, signals, keys. */
#include "world.h"

#include "../../src/init/caller.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  is_output_lost = is_exit_requested = 0;
  begin_run_with_blob(data, size, sizeof(struct monitor));
  RUN(run_monitor());
  end_run_with_blob();
  return 0;
}
