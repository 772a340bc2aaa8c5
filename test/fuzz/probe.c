/* What the server says that a health check asks. */
#include "world.h"

#include "../../src/init/probe.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  static const char request[] = "GET / HTTP/1.1\r\n\r\n";
  static const u8 server[16] = {2, 0, 0, 80, 127, 0, 0, 1};
  begin_run(data, size);
  RUN(probe(server, sizeof server, request, sizeof request - 1));
  return 0;
}
