/* Enters a container's user namespace and executes another program. Needed for files that the kernel lets only processes
 * of that namespace use, such as those of a FUSE filesystem. */
#include "init.h"
#include "program.h"

#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* argv: our name, "enter", then the program's name and arguments. The program is killed when our parent ends. */
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
