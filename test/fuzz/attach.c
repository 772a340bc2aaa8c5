/* The attach protocol from the client's side: arbitrary messages from the monitor, and keys, signals, a slow reader. */
#include "world.h"

#include "../../src/init/client.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  static char *const flags[] = {"", "t", "i", "ti", "tiso", "is", "s", "ts"};
  static char *const keys[] = {"", "\x10\x11", "aab", "d"};
  is_terminal = has_input = passes_signals = is_owner = is_input_unconfirmed = had_terminal = 0, keys_seen = 0, last_code = -1;
  begin_run(data, size);
  char *argv[] = {"foster-init", "attach", flags[take() % 8], keys[take() % 4], NULL};
  RUN(run_client(4, argv));
  return 0;
}
