/* Starting programs, and host steps: linked into foster-init and into the shared library that TypeScript calls. */
#ifndef FOSTER_PROGRAM_H
#define FOSTER_PROGRAM_H

#include "wire.h"

/* program.c */
void reset_signals(void);
void keep_capabilities(void);
long become_program(struct program *program);
long run_in_child(u64 clone_flags, void (*work)(void *), void *argument);
long start_program(struct program *program, u64 clone_flags, s32 *pidfd);

/* inside.c: what only a process in other namespaces may do. All return -errno on failure. */
long write_from_inside(int pidfd, int pid, const char *file, const char *text);
long send_netlink(const char *messages, u32 size);
long send_netlink_inside(int pidfd, char *messages, u32 size);
long open_network_inside(int pidfd);
long open_mount_inside(int pidfd, const char *path);
long open_user_namespace(int pid);
long write_proc_file(int pid, const char *file, const char *text);

/* probe.c */
int probe(const void *address, u32 size, const char *request, u32 length);

/* launcher.c */
extern const sigset *ending_signals; /* signals that have been received; some end a wait. NULL: no signal does */
int run_host_steps(struct host *host);
void undo_host_steps(struct host *host, int is_graceful);
void host_program_exited(struct host *host, int pid);

#endif
