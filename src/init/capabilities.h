/* Capabilities across execve(2), for both places that start a process in a new user namespace. */
#ifndef FOSTER_CAPABILITIES_H
#define FOSTER_CAPABILITIES_H

#include "sys.h"

#include <linux/capability.h>
#include <linux/prctl.h>

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

#endif
