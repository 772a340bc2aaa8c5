/* Memory that only a start needs. */
#include "init.h"

#include <linux/mman.h>

#if defined(__aarch64__)
enum { PAGE = 65536 }; /* the largest that there is */
#else
enum { PAGE = 4096 };
#endif
enum { MOST = 2 * 65536, OWN_FRAME = 256 };

/* Gives back the stack below the caller. A start uses several pages of it; the wait for the end of a container, which may take
 * weeks, uses one. */
void release_stack(void) {
  u64 end = ((u64)__builtin_frame_address(0) - OWN_FRAME) / PAGE * PAGE;
  SYSCALL3(__NR_madvise, end - MOST, MOST, MADV_DONTNEED);
}
