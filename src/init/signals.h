/* Signals, and what a wait status says about them. */
#ifndef FOSTER_SIGNALS_H
#define FOSTER_SIGNALS_H

#include "sys.h"

#include <linux/signal.h>
#include <linux/wait.h>

/* `status`, here and below: as wait4(2) returns it. */
static inline int is_stopped(int status) { return (status & 0xff) == 0x7f; }

/* As in a shell: the exit code, or 128 + the signal. */
static inline int exit_code(int status) { return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff; }

#endif
