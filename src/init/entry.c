/* The clone entry: a shared library with the one native function that TypeScript hands to clone(2). The child shares
 * Node's memory (CLONE_VM) until it executes foster-init, so this only moves descriptors and makes system calls.
 * TypeScript calls it directly too, where foster itself becomes the monitor. */
#include "sys.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

struct entry {
  s32 program;     /* descriptor of what to execute */
  s32 descriptor_count;
  s32 *descriptors; /* descriptors[i] becomes i; -1 leaves i closed */
  char **argv, **envp;
  s32 is_privileged; /* keep the capabilities that a new user namespace gives: capabilities(7), "ambient" */
  s32 parent_death_signal;
};

/* execve(2) drops all capabilities when our user id is not mapped (yet) to 0, unless they are ambient. */
static void keep_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  SYSCALL2(__NR_capget, &header, data);
  data[0].inheritable = data[0].permitted;
  data[1].inheritable = data[1].permitted;
  SYSCALL2(__NR_capset, &header, data);
  for (int capability = 0; capability < 64; capability++)
    if (syscall6(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0, 0) < 0) break;
}

/* Returns -errno if the program could not be executed. */
int foster_entry(struct entry *entry) {
  s32 count = entry->descriptor_count;
  s32 aside[32];
  for (int i = 0; i < count; i++) /* out of the way first: one's source may be another's target */
    aside[i] = entry->descriptors[i] < 0 ? -1 : (s32)SYSCALL3(__NR_fcntl, entry->descriptors[i], F_DUPFD, count + 1);
  s32 program = (s32)SYSCALL3(__NR_fcntl, entry->program, F_DUPFD, count + 1);
  for (int i = 0; i < count; i++) {
    if (aside[i] < 0) sys_close(i);
    else SYSCALL3(__NR_dup3, aside[i], i, 0);
  }
  SYSCALL3(__NR_dup3, program, count, O_CLOEXEC);
  sys_close_range((u32)count + 1);
  if (entry->is_privileged) keep_capabilities();
  if (entry->parent_death_signal) SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, entry->parent_death_signal);
  return (int)SYSCALL5(__NR_execveat, count, "", entry->argv, entry->envp, 0x1000 /* AT_EMPTY_PATH */);
}

/* In the child of clone(2), where there is nobody to return to. */
int foster_child(struct entry *entry) {
  foster_entry(entry);
  sys_exit(125);
}
