/* Starts programs: PID 1, helpers of the host, foster itself. A child shares our memory until it executes its program
 * (CLONE_VM), because we may be Node, which is large and has threads. So it has its own stack, and does nothing but move
 * descriptors and make system calls. */
#include "program.h"
#include "signals.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* Resets all signals to their default action, and blocks them. Node ignores SIGPIPE, and its parent may have ignored more:
 * ignored signals stay ignored across execve(2), so the user's process would never be ended by a broken pipe. */
void reset_signals(void) {
  u64 action[4] = {0, 0, 0, 0}; /* SIG_DFL, no flags, no restorer, empty mask */
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
    SYSCALL4(__NR_rt_sigaction, signal, action, NULL, 8);
  sys_block_signals(ALL_SIGNALS);
}

/* execve(2) drops all capabilities while our user id is not mapped to 0, unless they are ambient. */
void keep_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  SYSCALL2(__NR_capget, &header, data);
  data[0].inheritable = data[0].permitted;
  data[1].inheritable = data[1].permitted;
  SYSCALL2(__NR_capset, &header, data);
  for (int capability = 0; capability < 64; capability++)
    if (syscall6(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0, 0) == -EINVAL) break; /* unknown */
}

static s32 move_aside(s32 fd, s32 lowest) { return (s32)SYSCALL3(__NR_fcntl, fd, F_DUPFD, lowest); }

/* Returns -errno if the program could not be executed. */
long become_program(struct program *program) {
  s32 count = program->descriptor_count, *fds = (s32 *)program->descriptors, file = program->file;
  if (count < 0 || count > MAX_DESCRIPTORS) return -E2BIG;
  for (int i = 0; i < count; i++) { /* move all out of the way first: the source of one may be the target of another */
    if (fds[i] < 0) continue;
    fds[i] = move_aside(fds[i], count + 1);
    if (fds[i] < 0) return fds[i];
  }
  if (file >= 0 && (file = move_aside(file, count + 1)) < 0) return file;
  for (int i = 0; i < count; i++) {
    if (fds[i] < 0) sys_close(i);
    else SYSCALL3(__NR_dup3, fds[i], i, 0);
  }
  if (file >= 0) SYSCALL3(__NR_dup3, file, count, O_CLOEXEC), file = count;
  sys_close_range((u32)(file >= 0 ? count + 1 : count));
  if (program->is_privileged) keep_capabilities();
  if (program->parent_death_signal) SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, program->parent_death_signal);
  return SYSCALL5(__NR_execveat, file, program->path, program->argv, program->envp, AT_EMPTY_PATH);
}

static _Noreturn void run_program(void *argument) {
  struct program *program = argument;
  program->error = (s32)-become_program(program);
  sys_exit(125);
}

/* clone(2), for a child that calls `run` on the stack that ends at `top`. */
static long clone_child(u64 flags, void *top, s32 *pidfd, void (*run)(void *), void *argument) {
#if defined(FOSTER_FUZZ)
  (void)top;
  long pid = SYSCALL5(__NR_clone, flags, 0, pidfd, 0, 0);
  if (pid == 0) run(argument), sys_exit(125);
  return pid;
#elif defined(__x86_64__)
  long result;
  __asm__ volatile("syscall\n test %%rax,%%rax\n jnz 1f\n mov %[argument],%%rdi\n call *%[run]\n 1:"
                   : "=a"(result)
                   : "a"(__NR_clone), "D"(flags), "S"(top), "d"(pidfd), [argument] "r"(argument), [run] "r"(run)
                   : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = __NR_clone;
  register long x0 __asm__("x0") = (long)flags;
  register long x1 __asm__("x1") = (long)top;
  register long x2 __asm__("x2") = (long)pidfd;
  __asm__ volatile("svc 0\n cbnz x0, 1f\n mov x0, %[argument]\n blr %[run]\n 1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), [argument] "r"(argument), [run] "r"(run)
                   : "memory", "cc");
  return x0;
#endif
}

/* Starts a process that shares our memory, and waits until it has executed a program or has exited: vfork(2). All signals
 * are blocked in it. */
static long start_child(u64 clone_flags, s32 *pidfd, void (*run)(void *), void *argument) {
  char stack[4096] __attribute__((aligned(16)));
  sigset all = ALL_SIGNALS, previous;
  /* A signal handler of ours must not run in the child. */
  SYSCALL4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &previous, 8);
  long pid = clone_child(clone_flags | CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof stack, pidfd, run, argument);
  SYSCALL4(__NR_rt_sigprocmask, SIG_SETMASK, &previous, NULL, 8);
  return pid;
}

/* Runs `work` in a process that shares our memory, and what `clone_flags` name, and waits for its end. Returns 0, or -errno where
 * there was none. */
long run_in_child(u64 clone_flags, void (*work)(void *), void *argument) {
  long pid = start_child(clone_flags, NULL, work, argument);
  if (pid < 0) return pid;
  SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
  return 0;
}

/* Starts a program in a new process, in the new namespaces that `clone_flags` name, with all signals blocked. Returns its
 * pid once it runs, and its pidfd in `pidfd` unless that is NULL. On failure returns -errno, and there is no process. */
long start_program(struct program *program, u64 clone_flags, s32 *pidfd) {
  program->error = 0;
  long pid = start_child(clone_flags | (pidfd ? CLONE_PIDFD : 0), pidfd, run_program, program);
  if (pid < 0 || !program->error) return pid;
  if (pidfd) sys_close(*pidfd);
  SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
  return -program->error;
}
