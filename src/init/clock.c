/* What time it is. */
#include "init.h"

#include <linux/time.h>

/* Milliseconds since some moment before the start; they never go back. */
s64 now_ms(void) {
  s64 time[2] = {0, 0};
  SYSCALL2(__NR_clock_gettime, CLOCK_MONOTONIC, time);
  return time[0] * 1000 + time[1] / 1000000;
}

/* Milliseconds since 1970. */
s64 clock_ms(void) { return (s64)(clock_ns() / 1000000); }

u64 clock_ns(void) {
  s64 time[2] = {0, 0};
  SYSCALL2(__NR_clock_gettime, CLOCK_REALTIME, time);
  return (u64)time[0] * 1000000000 + (u64)time[1];
}
