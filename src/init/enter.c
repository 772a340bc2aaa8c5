/* Enters namespaces of another process and executes a program. The kernel permits some things only in a certain user
 * namespace, such as using the files of a FUSE filesystem, or changing a network. */
#include "init.h"
#include "program.h"

#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* Flags of setns(2): 'u' user, 'n' network, 'p' PID namespace. Others are ignored. */
int namespaces_of(const char *letters) {
  int flags = 0;
  for (; *letters; letters++)
    flags |= *letters == 'u' ? CLONE_NEWUSER : *letters == 'n' ? CLONE_NEWNET : *letters == 'p' ? CLONE_NEWPID : 0;
  return flags;
}

/* argv: our name, "enter", NAMESPACES, then the program's name and arguments. The program is killed when our parent ends. */
int run_enter(char **argv) {
  if (SYSCALL2(__NR_setns, FD_ENTERED, namespaces_of(argv[2])) < 0) return 125;
  SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  sys_close(FD_ENTERED);
  SYSCALL3(__NR_fcntl, FD_PROGRAM, F_SETFD, FD_CLOEXEC);
  keep_capabilities();
  sys_block_signals(0);
  const char *environment[] = {NULL};
  SYSCALL5(__NR_execveat, FD_PROGRAM, "", argv + 3, environment, AT_EMPTY_PATH);
  return 125;
}
