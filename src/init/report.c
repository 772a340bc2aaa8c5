/* The control socket: datagrams to the parent, bytes back. */
#include "init.h"

#include <asm-generic/errno.h>

/* Never waits: a reader that is slow or gone must not hold up PID 1. */
void report(u32 kind, u32 index, s64 value, s64 extra, const char *name) {
  struct report message = {.kind = kind, .index = index, .value = value, .extra = extra};
  for (size_t i = 0; name && name[i] && i < sizeof message.name - 1; i++) message.name[i] = name[i];
  /* What comes before the user's process starts has a reader who waits for it, and must not be lost. */
  int flags = kind >= REPORT_ADOPTED ? MSG_DONTWAIT : 0;
  sys_send(FD_CONTROL, &message, sizeof message, flags);
}

/* 0 when the parent said so, -1 when it has gone. */
int await_byte(char wanted) {
  char byte = 0;
  long got;
  do got = sys_read(FD_CONTROL, &byte, 1);
  while (got == -EINTR);
  return got == 1 && byte == wanted ? 0 : -1;
}
