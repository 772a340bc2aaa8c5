/* The control socket: datagrams to the parent, bytes back. */
#include "init.h"

#include <asm-generic/errno.h>

/* All small variables come behind this one, together less than 2 KB. So they are in one page, wherever the code ends: another one would
 * cost each container two. */
__attribute__((aligned(2048))) int control_socket = FD_CONTROL;

/* Sends a report. A reader that is slow or gone must not block PID 1. */
void report(u32 kind, u32 index, s64 value, s64 extra, const char *name) {
  struct report message = {.kind = kind, .index = index, .value = value, .extra = extra};
  for (size_t i = 0; name && name[i] && i < sizeof message.name - 1; i++) message.name[i] = name[i];
  /* Reports before the user's process starts must not be lost, and have a reader that waits for them. */
  int flags = kind >= REPORT_ADOPTED ? MSG_DONTWAIT : 0;
  sys_send(control_socket, &message, sizeof message, flags);
}

/* Returns 0 if the parent has sent the byte, -1 if it is gone. */
int await_byte(char wanted) {
  char byte = 0;
  long got;
  do got = sys_read(control_socket, &byte, 1);
  while (got == -EINTR);
  return got == 1 && byte == wanted ? 0 : -1;
}
