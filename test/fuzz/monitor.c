/* Blobs of monitors, and all that the monitor of a container in the foreground hears: reports, signals, a terminal. */
#include "world.h"

#include "../../src/init/monitor.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  config = NULL, master = -1, status = -1, exec_code = is_output_lost = 0;
  memset(streams, 0, sizeof streams);
  begin_run_with_blob(data, size, sizeof(struct monitor));
  RUN(run_monitor());
  end_run_with_blob();
  return 0;
}
