/* The clone entry: a shared library with the one native function that TypeScript hands to clone(2). The child shares
 * Node's memory (CLONE_VM) until it executes foster-init, so this only moves descriptors and makes system calls.
 * TypeScript calls it directly too, where foster itself becomes the monitor. */
#include "capabilities.h"
#include "hand-mount.h"
#include "signals.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#define MAX_DESCRIPTORS 1024 /* of one program; what a process may have open besides is the kernel's to say */

struct entry {
  s32 program;     /* descriptor of what to execute */
  s32 descriptor_count;
  s32 *descriptors; /* descriptors[i] becomes i; -1 leaves i closed. Written over */
  char **argv, **envp;
  s32 is_privileged; /* keep the capabilities that a new user namespace gives: capabilities(7), "ambient" */
  s32 parent_death_signal;
  s32 error; /* errno of a child that could not execute the program; TypeScript sees it, whose memory this is */
};

static s32 move_aside(s32 fd, s32 lowest) { return (s32)SYSCALL3(__NR_fcntl, fd, F_DUPFD, lowest); }

/* Returns -errno if the program could not be executed. */
int foster_entry(struct entry *entry) {
  s32 count = entry->descriptor_count, *fds = entry->descriptors;
  if (count < 0 || count > MAX_DESCRIPTORS) return -E2BIG;
  for (int i = 0; i < count; i++) { /* out of the way first: one's source may be another's target */
    if (fds[i] < 0) continue;
    fds[i] = move_aside(fds[i], count + 1);
    if (fds[i] < 0) return fds[i];
  }
  s32 program = move_aside(entry->program, count + 1);
  if (program < 0) return program;
  for (int i = 0; i < count; i++) {
    if (fds[i] < 0) sys_close(i);
    else SYSCALL3(__NR_dup3, fds[i], i, 0);
  }
  SYSCALL3(__NR_dup3, program, count, O_CLOEXEC);
  sys_close_range((u32)count + 1);
  if (entry->is_privileged) keep_capabilities();
  if (entry->parent_death_signal) SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, entry->parent_death_signal);
  return (int)SYSCALL5(__NR_execveat, count, "", entry->argv, entry->envp, AT_EMPTY_PATH);
}

/* In the child of clone(2), where there is nobody to return to. */
int foster_child(struct entry *entry) {
  entry->error = -foster_entry(entry);
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
void foster_hold_signals(void) {
  static const u8 not_held[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGCHLD, SIGSTOP, SIGPROF, SIGSYS};
  sigset held = ALL_SIGNALS;
  for (size_t i = 0; i < sizeof not_held; i++) held &= ~signal_bit(not_held[i]);
  /* What Node and we are doing goes on, except that poll(2) never does: waits look whether they are to end. */
  u64 action[4] = {(u64)hold, HAS_RESTORER | SA_RESTART, (u64)foster_restorer, ALL_SIGNALS};
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
    if (held & signal_bit(signal)) SYSCALL4(__NR_rt_sigaction, signal, action, NULL, 8);
}

u64 foster_held_signals(void) { return __atomic_load_n(&held_signals, __ATOMIC_SEQ_CST); }

/* As foster_entry, for this process: what was held back is pending when the program starts. */
int foster_become(struct entry *entry) {
  sys_block_signals(ALL_SIGNALS);
  __atomic_store_n(&heir, (int)sys_getpid(), __ATOMIC_SEQ_CST);
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) hand_on(signal);
  /* Node's other threads live until execve(2): one whose descriptors vanish while a signal wakes it aborts us all. */
  SYSCALL1(__NR_unshare, CLONE_FILES);
  return foster_entry(entry);
}

int foster_hand_mount(int socket, int users, const char *path, u32 flags) { return (int)hand_mount(socket, users, path, flags); }
