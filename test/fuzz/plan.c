/* Blobs of plans, and what PID 1 receives while it runs them. */
#include "world.h"

/* The arguments of a step's call are chosen by the plan, and only the kernel interprets them. */
static long step_call(long number, long a, long b, long c, long d, long e, long f) {
  if (number == __NR_clone) return syscall6(number, a, b, c, d, e, f);
  (void)syscall6(__NR_getpid, 0, 0, 0, 0, 0, 0);
  return take() % 4 ? take() : failure();
}
#define syscall6 step_call
#include "../../src/init/plan.c"
#undef syscall6

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  begin_run_with_blob(data, size, sizeof(struct plan));
  RUN(run_plan(0));
  end_run_with_blob();
  return 0;
}
