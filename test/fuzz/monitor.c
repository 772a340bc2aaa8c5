/* Blobs of monitors, and all that the monitor of a container in the foreground hears: reports, signals, a terminal. */
#include "world.h"

#define input monitor_input
#define at monitor_at
#include "../../src/init/monitor.c"
#undef input
#undef at

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  config = NULL, master = -1, status = -1, exec_code = is_input_open = 0;
  input_size = input_at = output_size = output_at = 0;
  begin_run_with_blob(data, size, sizeof(struct monitor));
  RUN(run_monitor());
  end_run_with_blob();
  return 0;
}
