/* Starting programs, and what is done for them from outside: in foster-init and in the shared library that TypeScript calls. */
#ifndef FOSTER_PROGRAM_H
#define FOSTER_PROGRAM_H

#include "wire.h"

/* program.c */
void reset_signals(void);
void keep_capabilities(void);
long become_program(struct program *program);
long start_program(struct program *program, u64 clone_flags, s32 *pidfd);

/* launcher.c */
extern const sigset *ending_signals; /* which have come of those that end a wait; NULL: none do */
int run_host_steps(struct host *host);
void undo_host_steps(struct host *host, int is_patient);
void host_program_ended(struct host *host, int pid);

#endif
