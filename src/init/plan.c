/* Runs a plan: the steps of PID 1, then, in the user's process, the steps before its program. There is no policy here:
 * TypeScript decides every call, flag and path, where it can be tested and explained. */
#include "init.h"
#include "program.h"

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
 * becomes a child of our parent (CLONE_PARENT), so that our parent can wait for it. */
static long refork(void) {
  int reported[2];
  char byte;
  long error = SYSCALL2(__NR_pipe2, reported, O_CLOEXEC);
  long pid = error < 0 ? error : SYSCALL5(__NR_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (pid > 0) {
    report(REPORT_REFORKED, NO_STEP, pid, 0, NULL);
    sys_exit(0);
  }
  if (pid == 0) { /* our reports must not come before REPORT_REFORKED */
    sys_close(reported[1]);
    while (sys_read(reported[0], &byte, 1) == -EINTR) {}
    sys_close(reported[0]);
  }
  return pid;
}

/* A process whose parent is outside of its PID namespace could not be reaped by PID 1, and its parent would not reap it.
 * An orphan becomes a child of PID 1 of its namespace: pid_namespaces(7). */
static long orphan(void) {
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid > 0) sys_exit(0);
  return pid;
}

/* A container may replace a file or mount something over it, but cannot forge the type of the filesystem. */
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

enum { MAX_TRIES = 10000 };

/* A rename or mount anywhere on the machine while a `..` is resolved makes it fail: openat2(2), "EAGAIN". */
static long openat2_with_retries(long dir, long path, long how, long size) {
  long fd = -EAGAIN;
  for (int tries = 0; tries < MAX_TRIES && fd == -EAGAIN; tries++) fd = SYSCALL4(__NR_openat2, dir, path, how, size);
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
  if (step->number == STEP_AWAIT) return await_byte(CONTROL_RESUME) ? -EPIPE : 0;
  if (step->number == STEP_REFORK) return refork();
  if (step->number == STEP_ORPHAN) return orphan();
  if (step->number == STEP_FILE_SYSTEM) return require_file_system((int)values[0], values[1]);
  if (step->number == STEP_NOT_ON) return require_other_device((int)values[0], (int)values[1]);
  if (step->number == STEP_NETLINK) return send_netlink((const char *)values[0], (u32)values[1]);
  if (step->number == STEP_PROBE)
    sys_exit(probe((const void *)values[0], (u32)values[1], (const char *)values[2], (u32)values[3]));
  if (step->number == STEP_MOUNT_OF) return open_mount_inside((int)values[0], (const char *)values[1]);
  if (step->number == __NR_openat2) return openat2_with_retries(values[0], values[1], values[2], values[3]);
  return syscall6(step->number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* Executes foster-init again, which continues with step `next` of the plan. Now it was executed in its user namespace, so only
 * processes with rights there may access it: ptrace(2). The number is its environment, so that ps shows only its name.
 * `program` is a descriptor of it, or 0. Returns -errno. */
static long renew(u32 next, int program) {
  char number[24];
  append_number(number, next);
  const char *argv[] = {"foster-init", NULL, number, NULL};
  keep_capabilities();
  return SYSCALL5(__NR_execveat, program ? program : AT_FDCWD, program ? "" : "/proc/self/exe", argv, argv + 2,
                  program ? AT_EMPTY_PATH : 0);
}

/* Runs steps. If one fails, reports it and exits with 125. */
static void run_steps(struct plan *plan, u32 first, u32 count) {
  char *blob = (char *)plan;
  const struct step *steps = (const struct step *)(blob + plan->steps);
  for (u32 i = first; i < first + count; i++) {
    if (plan->flags & PLAN_TRACE && steps[i].number == STEP_RENEW) report(REPORT_STEP, i, 0, 0, NULL);
    long result = steps[i].number == STEP_RENEW ? renew(i + 1, (int)steps[i].arguments[0]) : run_step(blob, &steps[i]);
    if (result < 0 && result > -4096 && !is_ignored(&steps[i], -result)) {
      report(REPORT_FAILED, i, -result, 0, NULL);
      sys_exit(125);
    }
    if (steps[i].store) *(s32 *)(blob + steps[i].store) = (s32)result;
    if (plan->flags & PLAN_TRACE) report(REPORT_STEP, i, result, 0, NULL);
  }
}

/* As execvp(3): executes the first path that can be executed. EACCES takes precedence over ENOENT. */
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

/* Closes when the program is executed. A byte in it means that it could not be executed. */
enum { FD_EXECUTED = FD_CONTROL + 1 };

/* Leaves open what the caller has given for the program. */
static void close_all_but_kept(const struct plan *plan, u32 first) {
  SYSCALL3(__NR_close_range, first, PLAN_FD_KEPT - 1, 0);
  sys_close_range(PLAN_FD_KEPT + plan->kept);
}

static int fd_executed = FD_EXECUTED;

/* Puts them where the program looks for them, which is where our own descriptors were. */
static void place_kept(const struct plan *plan) {
  if (!plan->kept) return;
  u32 end = PLAN_FD_KEPT + plan->kept;
  control_socket = (int)SYSCALL3(__NR_fcntl, FD_CONTROL, F_DUPFD_CLOEXEC, end);
  fd_executed = (int)SYSCALL3(__NR_fcntl, FD_EXECUTED, F_DUPFD_CLOEXEC, end);
  if (control_socket < 0) sys_exit(125);
  for (u32 i = 0; i < plan->kept; i++) SYSCALL3(__NR_dup3, PLAN_FD_KEPT + i, FD_CONTROL + i, 0);
  SYSCALL3(__NR_close_range, FD_CONTROL + plan->kept, end - 1, 0);
}

static _Noreturn void become_process(struct plan *plan) {
  /* Before any path is used: an open directory of the host would be a way out (/proc/self/fd/N). The program gets 0, 1
   * and 2 only, or what the caller has asked for, and above all not the control socket, because the monitor trusts the
   * reports on it. */
  close_all_but_kept(plan, FD_EXECUTED + 1);
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  place_kept(plan);
  run_steps(plan, plan->init_steps, plan->process_steps);
  report(REPORT_READY, NO_STEP, 0, 0, NULL);
  if (await_byte(CONTROL_START)) sys_exit(125);
  sys_block_signals(0);
  long error = -execute(plan);
  report(REPORT_EXEC_FAILED, NO_STEP, error, 0, NULL);
  sys_write(fd_executed, "", 1);
  sys_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* PID 1 of a pod that shares its PID namespace, or only holds the other ones. There is no other program. */
static _Noreturn void hold_namespaces(struct plan *plan) {
  report(REPORT_READY, NO_STEP, 0, 0, NULL);
  if (await_byte(CONTROL_START)) sys_exit(125);
  report(REPORT_EXECUTED, NO_STEP, 0, 0, NULL);
  sys_close(0), sys_close(1), sys_close(2);
  struct plan kept = *plan;
  SYSCALL2(__NR_munmap, plan, plan->size);
  reap_until_exit(&kept, 0);
}

static void await_execution(int fd) {
  char byte;
  long got;
  do got = sys_read(fd, &byte, 1);
  while (got == -EINTR);
  sys_close(fd);
  if (got == 0) report(REPORT_EXECUTED, NO_STEP, 0, 0, NULL);
}

/* `first`: the step to begin with. */
int run_plan(u32 first) {
  struct plan *plan = map_blob(FD_BLOB, sizeof *plan);
  if (!plan || !check_plan(plan) || first > plan->init_steps) return 125;
  if (first || !(plan->flags & PLAN_NESTED)) sys_close(FD_BLOB);

  run_steps(plan, first, plan->init_steps - first);
  /* Before another process can look at /proc/1/fd: the steps may have opened files of the host. */
  close_all_but_kept(plan, FD_CONTROL + 1);
  if (!(plan->flags & PLAN_SHIM)) become_process(plan);
  orphans_open(plan);
  if (plan->flags & PLAN_IDLE) hold_namespaces(plan);

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
  /* Only the control socket stays open: the pipes for stdin and stdout must close when the user's process closes them. */
  sys_close(0), sys_close(1), sys_close(2), sys_close(executed[1]);
  for (u32 i = 0; i < plan->kept; i++) sys_close(PLAN_FD_KEPT + (int)i);
  struct plan kept = *plan;
  SYSCALL2(__NR_munmap, plan, plan->size);
  await_execution(executed[0]);
  reap_until_exit(&kept, (int)child);
}
