/* The shared library that TypeScript calls by FFI: the function that it hands to clone(2), the launcher, and what holds
 * signals back while it sets a container up. */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#define EXPORTED __attribute__((visibility("default")))

/* In the child of clone(2), where there is nobody to return to. It shares Node's memory (CLONE_VM). */
EXPORTED int foster_child(struct program *program) {
  program->error = (s32)-become_program(program);
  sys_exit(125);
}

/* While TypeScript sets a container up, signals are held back: they end the set-up in order, or go to the container
 * when it runs. Node's own handlers would see them too late, and real-time signals not at all. */
static sigset held_signals;
static int heir;         /* the thread that is about to become the monitor, with all signals blocked; 0: not yet */

/* What is pending in the thread that calls execve(2) is pending in the new program. */
static void hand_on(int signal) {
  if (__atomic_fetch_and(&held_signals, ~signal_bit(signal), __ATOMIC_SEQ_CST) & signal_bit(signal)) SYSCALL3(__NR_tgkill, heir, heir, signal);
}

/* Node's other threads take signals until execve(2) ends them. */
static void hold(int signal) {
  __atomic_or_fetch(&held_signals, signal_bit(signal), __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&heir, __ATOMIC_SEQ_CST)) hand_on(signal);
}

#if defined(__x86_64__)
extern void foster_restorer(void);
__asm__(".hidden foster_restorer\n.type foster_restorer,@function\nfoster_restorer:\n mov $15,%eax\n syscall\n");
enum { HAS_RESTORER = SA_RESTORER };
#else
#define foster_restorer NULL
enum { HAS_RESTORER = 0 };
#endif

/* Not those that say what is wrong in this process, those about its children, and those that nobody can hold back. */
EXPORTED void foster_hold_signals(void) {
  static const u8 not_held[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGCHLD, SIGSTOP, SIGPROF, SIGSYS};
  sigset held = ALL_SIGNALS;
  for (size_t i = 0; i < sizeof not_held; i++) held &= ~signal_bit(not_held[i]);
  /* What Node and we are doing goes on, except that poll(2) never does: waits look whether they are to end. */
  u64 action[4] = {(u64)hold, HAS_RESTORER | SA_RESTART, (u64)foster_restorer, ALL_SIGNALS};
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
    if (held & signal_bit(signal)) SYSCALL4(__NR_rt_sigaction, signal, action, NULL, 8);
}

EXPORTED u64 foster_held_signals(void) { return __atomic_load_n(&held_signals, __ATOMIC_SEQ_CST); }

/* execve(2) in this process: what was held back is pending when the program starts. Returns -errno. */
EXPORTED int foster_become(struct program *program) {
  sys_block_signals(ALL_SIGNALS);
  __atomic_store_n(&heir, (int)sys_getpid(), __ATOMIC_SEQ_CST);
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) hand_on(signal);
  /* Node's other threads live until execve(2): one whose descriptors vanish while a signal wakes it aborts us all. */
  SYSCALL1(__NR_unshare, CLONE_FILES);
  return (int)become_program(program);
}

/* 0 when all steps are done, else -errno; then `host` says what has failed. `ends_at_signal`: signals that are held back end
 * a wait; not so where foster cleans up after one. */
EXPORTED int foster_run_host_steps(struct host *host, int ends_at_signal) {
  ending_signals = ends_at_signal ? &held_signals : NULL;
  if (check_host(host)) return run_host_steps(host);
  host->failed = 0, host->error = EINVAL, host->detail = -1;
  return -EINVAL;
}

EXPORTED void foster_undo_host_steps(struct host *host, int is_patient) { undo_host_steps(host, is_patient); }
