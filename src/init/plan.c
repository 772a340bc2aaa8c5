/* Runs a plan: the steps of PID 1, then, in the user's process, the steps before its program. No policy lives here:
 * every call, flag and path was decided by TypeScript, where it can be tested and explained. */
#include "init.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

static int is_ignored(const struct step *step, long error) {
  for (int i = 0; i < 4; i++)
    if (step->ignore[i] && step->ignore[i] == error) return 1;
  return 0;
}

/* The process that called setns(2) stays in its old PID namespace; only its children are in the new one. The child
 * becomes our parent's child too (CLONE_PARENT), so that whoever waits for this process can wait for that one. */
static long refork(void) {
  int told[2];
  char byte;
  long error = SYSCALL2(__NR_pipe2, told, O_CLOEXEC);
  long pid = error < 0 ? error : SYSCALL5(__NR_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (pid > 0) {
    report(REPORT_REFORKED, NO_STEP, pid, 0, NULL);
    sys_exit(0);
  }
  if (pid == 0) { /* what we report must not come before who we are */
    sys_close(told[1]);
    while (sys_read(told[0], &byte, 1) == -EINTR) {}
    sys_close(told[0]);
  }
  return pid;
}

/* Nobody in a PID namespace could bury one whose parent is outside of it, and nobody outside would. Who loses its
 * parent becomes the child of PID 1 in its namespace: pid_namespaces(7). */
static long orphan(void) {
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid > 0) sys_exit(0);
  return pid;
}

/* What kind of file system a file is on cannot be forged by whoever has put a file or a mount in its place. */
static long require_file_system(int fd, long magic) {
  struct statfs info;
  long error = SYSCALL2(__NR_fstatfs, fd, &info);
  return error ? error : info.f_type == magic ? 0 : -EXDEV;
}

static long require_other_device(int fd, int other) {
  struct stat info, others;
  long error = SYSCALL2(__NR_fstat, fd, &info);
  if (!error) error = SYSCALL2(__NR_fstat, other, &others);
  return error ? error : info.st_dev != others.st_dev ? 0 : -EXDEV;
}

enum { MOST_TRIES = 10000 };

/* A rename or a mount anywhere on the machine at the moment of a `..` makes it fail: openat2(2), "EAGAIN". */
static long open_patiently(long dir, long path, long how, long size) {
  long fd = -EAGAIN;
  for (int tries = 0; tries < MOST_TRIES && fd == -EAGAIN; tries++) fd = SYSCALL4(__NR_openat2, dir, path, how, size);
  return fd;
}

static long run_step(char *blob, const struct step *step) {
  long values[6];
  for (int i = 0; i < 6; i++) {
    u32 kind = step->kinds >> (2 * i) & 3;
    values[i] = (long)step->arguments[i];
    if (kind == ARG_POINTER) values[i] += (long)blob;
    if (kind == ARG_STORED) values[i] = *(s32 *)(blob + values[i]);
  }
  if (step->number == STEP_AWAIT) return await_byte(WORD_RESUME) ? -EPIPE : 0;
  if (step->number == STEP_REFORK) return refork();
  if (step->number == STEP_ORPHAN) return orphan();
  if (step->number == STEP_FILE_SYSTEM) return require_file_system((int)values[0], values[1]);
  if (step->number == STEP_NOT_ON) return require_other_device((int)values[0], (int)values[1]);
  if (step->number == __NR_openat2) return open_patiently(values[0], values[1], values[2], values[3]);
  return syscall6(step->number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* Exits with 125, after saying which step failed, unless all went well. */
static void run_steps(struct plan *plan, u32 first, u32 count) {
  char *blob = (char *)plan;
  const struct step *steps = (const struct step *)(blob + plan->steps);
  for (u32 i = first; i < first + count; i++) {
    long result = run_step(blob, &steps[i]);
    if (result < 0 && result > -4096 && !is_ignored(&steps[i], -result)) {
      report(REPORT_FAILED, i, -result, 0, NULL);
      sys_exit(125);
    }
    if (steps[i].store) *(s32 *)(blob + steps[i].store) = (s32)result;
    if (plan->flags & PLAN_TRACE) report(REPORT_STEP, i, result, 0, NULL);
  }
}

/* As execvp(3): the first path that can be executed wins; a path that is there but forbidden is worth telling. */
static long execute(struct plan *plan) {
  char *blob = (char *)plan;
  char **programs = (char **)(blob + plan->programs);
  long error = -ENOENT;
  for (; *programs; programs++) {
    long result = SYSCALL3(__NR_execve, *programs, blob + plan->argv, blob + plan->envp);
    if (result == -EACCES)
      error = result;
    else if (result != -ENOENT && result != -ENOTDIR)
      return result;
  }
  return error;
}

/* Closes when the program is executed; a byte in it says that it could not be. */
enum { FD_EXECUTED = FD_CONTROL + 1 };

static _Noreturn void become_process(struct plan *plan) {
  /* Before anything is done that names a path: a host directory that is still open here is a way out (/proc/self/fd/N).
   * And the program shall have 0, 1 and 2 only: above all not the socket on which the monitor believes what it hears. */
  sys_close_range(FD_EXECUTED + 1);
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  run_steps(plan, plan->init_steps, plan->process_steps);
  report(REPORT_READY, NO_STEP, 0, 0, NULL);
  if (await_byte(WORD_START)) sys_exit(125);
  sys_block_signals(0);
  long error = -execute(plan);
  report(REPORT_EXEC_FAILED, NO_STEP, error, 0, NULL);
  sys_write(FD_EXECUTED, "", 1);
  sys_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

static void await_execution(int fd) {
  char byte;
  long got;
  do got = sys_read(fd, &byte, 1);
  while (got == -EINTR);
  sys_close(fd);
  if (got == 0) report(REPORT_EXECUTED, NO_STEP, 0, 0, NULL);
}

int run_plan(void) {
  struct plan *plan = map_blob(sizeof *plan);
  if (!plan || !check_plan(plan)) return 125;

  run_steps(plan, 0, plan->init_steps);
  /* Before there is anybody who could look at /proc/1/fd: what the steps have opened may be the host's. */
  sys_close_range(FD_CONTROL + 1);
  if (!(plan->flags & PLAN_SHIM)) become_process(plan);
  family_open(plan);

  int executed[2];
  long error = SYSCALL2(__NR_pipe2, executed, O_CLOEXEC);
  long child = error < 0 ? error : SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    if (executed[1] != FD_EXECUTED) SYSCALL3(__NR_dup3, executed[1], FD_EXECUTED, O_CLOEXEC);
    become_process(plan);
  }
  if (child < 0) {
    report(REPORT_FAILED, NO_STEP, -child, 0, NULL);
    return 125;
  }
  /* Only the control socket stays open: what the user's process has for stdin and stdout must close with it. */
  sys_close(0), sys_close(1), sys_close(2), sys_close(executed[1]);
  struct plan kept = *plan;
  SYSCALL2(__NR_munmap, plan, plan->size);
  await_execution(executed[0]);
  reap_until_exit(&kept, (int)child);
}
