/* Enters a container's user namespace and becomes another program: where the kernel lets nobody at the container's files
 * who is not in there, as it does for those of a FUSE file system. */
#include "init.h"
#include "program.h"

#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* argv: our name, "enter", then that of the program and its arguments. It ends with our parent. */
int run_enter(char **argv) {
  if (SYSCALL2(__NR_setns, FD_ENTERED, CLONE_NEWUSER) < 0) return 125;
  SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  sys_close(FD_ENTERED);
  SYSCALL3(__NR_fcntl, FD_PROGRAM, F_SETFD, FD_CLOEXEC);
  keep_capabilities();
  sys_block_signals(0);
  const char *environment[] = {NULL};
  SYSCALL5(__NR_execveat, FD_PROGRAM, "", argv + 2, environment, AT_EMPTY_PATH);
  return 125;
}
