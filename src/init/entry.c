/* The shared library that TypeScript calls through FFI: the function that it passes to clone(2), the launcher, and the
 * signal handler that holds signals back while a container is set up. */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#define EXPORTED __attribute__((visibility("default")))

/* Runs in the child of clone(2), which has no caller to return to. It shares Node's memory (CLONE_VM). */
EXPORTED int foster_child(struct program *program) {
  program->error = (s32)-become_program(program);
  sys_exit(125);
}

/* While TypeScript sets a container up, signals are held back: they end the set-up in an orderly way, or go to the
 * container once it runs. Node's own handlers would see them too late, and real-time signals not at all. */
static sigset held_signals;
static int new_main_thread; /* the thread that is about to become the monitor, with all signals blocked; 0: not yet */

/* Makes a held signal pending in the thread that calls execve(2), so that it is pending in the new program. */
static void resend_signal(int signal) {
  u64 held = __atomic_fetch_and(&held_signals, ~signal_bit(signal), __ATOMIC_SEQ_CST);
  if (held & signal_bit(signal)) SYSCALL3(__NR_tgkill, new_main_thread, new_main_thread, signal);
}

/* The handler. Node's other threads receive signals until execve(2) ends them. */
static void hold_signal(int signal) {
  __atomic_or_fetch(&held_signals, signal_bit(signal), __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&new_main_thread, __ATOMIC_SEQ_CST)) resend_signal(signal);
}

#if defined(__x86_64__)
extern void foster_restorer(void);
__asm__(".hidden foster_restorer\n.type foster_restorer,@function\nfoster_restorer:\n mov $15,%eax\n syscall\n");
enum { HAS_RESTORER = SA_RESTORER };
#else
#define foster_restorer NULL
enum { HAS_RESTORER = 0 };
#endif

/* Holds back all signals except those about errors in this process, those about its children, and those that cannot be
 * caught. */
EXPORTED void foster_hold_signals(void) {
  static const u8 not_held[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGCHLD, SIGSTOP, SIGPROF, SIGSYS};
  sigset held = ALL_SIGNALS;
  for (size_t i = 0; i < sizeof not_held; i++) held &= ~signal_bit(not_held[i]);
  /* System calls are restarted, except poll(2), which never is: a wait then checks whether it has to end. */
  u64 action[4] = {(u64)hold_signal, HAS_RESTORER | SA_RESTART, (u64)foster_restorer, ALL_SIGNALS};
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
    if (held & signal_bit(signal)) SYSCALL4(__NR_rt_sigaction, signal, action, NULL, 8);
}

EXPORTED u64 foster_held_signals(void) { return __atomic_load_n(&held_signals, __ATOMIC_SEQ_CST); }

/* Calls execve(2) in this process. Signals that were held back are pending when the program starts. Returns -errno. */
EXPORTED int foster_become(struct program *program) {
  sys_block_signals(ALL_SIGNALS);
  __atomic_store_n(&new_main_thread, (int)sys_getpid(), __ATOMIC_SEQ_CST);
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) resend_signal(signal);
  /* Node's other threads run until execve(2). If one is woken by a signal and finds its descriptors closed, it aborts. */
  SYSCALL1(__NR_unshare, CLONE_FILES);
  return (int)become_program(program);
}

/* Returns 0 when all steps are done. Otherwise returns -errno; `host` then says what failed. With `ends_at_signal`, a signal
 * that is held back ends a wait; not set when foster cleans up after a signal. */
EXPORTED int foster_run_host_steps(struct host *host, int ends_at_signal) {
  ending_signals = ends_at_signal ? &held_signals : NULL;
  if (check_host(host)) return run_host_steps(host);
  host->failed = 0, host->error = EINVAL, host->detail = -1;
  return -EINVAL;
}

EXPORTED void foster_undo_host_steps(struct host *host, int is_graceful) { undo_host_steps(host, is_graceful); }
