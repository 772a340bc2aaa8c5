/* Starting programs, and host steps: linked into foster-init and into the shared library that TypeScript calls. */
#ifndef FOSTER_PROGRAM_H
#define FOSTER_PROGRAM_H

#include "wire.h"

/* program.c */
void reset_signals(void);
void keep_capabilities(void);
long become_program(struct program *program);
long start_program(struct program *program, u64 clone_flags, s32 *pidfd);

/* launcher.c */
extern const sigset *ending_signals; /* signals that have been received; some end a wait. NULL: no signal does */
int run_host_steps(struct host *host);
void undo_host_steps(struct host *host, int is_graceful);
void host_program_exited(struct host *host, int pid);

#endif
