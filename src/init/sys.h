/* System calls without a libc: foster-init is a static program of a few kilobytes, so that a PID 1 costs next to nothing.
 * Every call returns what the kernel returns: a result, or -errno. */
#ifndef FOSTER_SYS_H
#define FOSTER_SYS_H

#include <asm/unistd.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef unsigned long size_t;

#ifndef NULL
#define NULL ((void *)0)
#endif

#if defined(FOSTER_FUZZ) /* test/fuzz, where the kernel is a function that returns arbitrary results */
long syscall6(long number, long a, long b, long c, long d, long e, long f);
#else
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "foster-init supports x86_64 and aarch64"
#endif
}
#endif

/* Sets only the registers that a call has arguments for: with some 300 calls, that makes a difference in size. */
#if defined(__x86_64__) && !defined(FOSTER_FUZZ)
static inline long syscall1(long number, long a) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a) : "rcx", "r11", "memory");
  return result;
}
static inline long syscall3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
static inline long syscall4(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
#else
#define syscall1(n, a) syscall6((n), (a), 0, 0, 0, 0, 0)
#define syscall3(n, a, b, c) syscall6((n), (a), (b), (c), 0, 0, 0)
#define syscall4(n, a, b, c, d) syscall6((n), (a), (b), (c), (d), 0, 0)
#endif

#define SYSCALL0(n) syscall1((n), 0)
#define SYSCALL1(n, a) syscall1((n), (long)(a))
#define SYSCALL2(n, a, b) syscall3((n), (long)(a), (long)(b), 0)
#define SYSCALL3(n, a, b, c) syscall3((n), (long)(a), (long)(b), (long)(c))
#define SYSCALL4(n, a, b, c, d) syscall4((n), (long)(a), (long)(b), (long)(c), (long)(d))
#define SYSCALL5(n, a, b, c, d, e) syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYSCALL6(n, a, b, c, d, e, f) syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The kernel's own sigset_t: one bit per signal, bit 0 for signal 1. */
typedef u64 sigset;
#define ALL_SIGNALS (~(sigset)0)
#define SIGNAL_COUNT 64
static inline sigset signal_bit(int signal) { return (sigset)1 << (signal - 1); }

static inline long sys_close(int fd) { return SYSCALL1(__NR_close, fd); }
static inline long sys_read(int fd, void *buffer, size_t size) { return SYSCALL3(__NR_read, fd, buffer, size); }
static inline long sys_write(int fd, const void *data, size_t size) {
  return SYSCALL3(__NR_write, fd, data, size);
}
static inline long sys_openat(int dir, const char *path, int flags, int mode) {
  return SYSCALL4(__NR_openat, dir, path, flags, mode);
}
static inline long sys_ioctl(int fd, unsigned long request, void *argument) {
  return SYSCALL3(__NR_ioctl, fd, request, argument);
}
static inline long sys_kill(int pid, int signal) { return SYSCALL2(__NR_kill, pid, signal); }
static inline long sys_getpid(void) { return SYSCALL0(__NR_getpid); }
static inline long sys_close_range(u32 first) { return SYSCALL3(__NR_close_range, first, ~0U, 0); }
static inline long sys_block_signals(sigset set) { return SYSCALL4(__NR_rt_sigprocmask, 2, &set, NULL, 8); }

static inline _Noreturn void sys_exit(int code) {
  for (;;) SYSCALL1(__NR_exit_group, code);
}

#endif
