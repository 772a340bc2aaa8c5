/* Where the stack is, and what of it only a start needs. */
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

#ifndef FOSTER_FUZZ
/* Continues with `run` on the page that begins below `end`: of our arguments, which stay for /proc/PID/cmdline. The kernel leaves up to
 * two pages free below them, at random, so that a wait would keep one page for them and another one for itself. What is on the
 * stack already, argv among it, is written over. */
_Noreturn void continue_below(const char *end, void (*run)(void)) {
  u64 top = (u64)end & ~(u64)15;
#if defined(__x86_64__)
  __asm__ volatile("mov %[top],%%rsp\n xor %%ebp,%%ebp\n call *%[run]" : : [top] "r"(top), [run] "r"(run) : "memory");
#elif defined(__aarch64__)
  __asm__ volatile("mov sp,%[top]\n mov x29,#0\n blr %[run]" : : [top] "r"(top), [run] "r"(run) : "memory");
#endif
  __builtin_unreachable();
}
#endif
