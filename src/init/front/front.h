/* The command `foster` without Node: it repeats what TypeScript has planned and done before. At the least doubt, and when
 * anything fails before the user's program runs, it executes Node, which does the whole from the start and explains. So
 * nothing here prints an error of its own, and every function that cannot go on says so by returning 0. */
#ifndef FOSTER_FRONT_H
#define FOSTER_FRONT_H

#include "../init.h"
#include "../program.h"

enum { MAX_OVERRIDES = 256, MAX_PATH = 4096, ID_SIZE = 64, MAX_TEMPLATE = 1 << 20 };

/* args.c: what `foster exec` was asked for. */
struct exec_request {
  int interactive, terminal, detached;
  const char *container, *directory;    /* the directory is NULL for the container's own */
  char **command;                     /* up to a NULL; not empty */
  const char *overrides[MAX_OVERRIDES]; /* NAME=VALUE, from -e */
  u32 override_count;
};
int parse_exec(char **argv, char **envp, struct exec_request *request);
const char *variable(char **envp, const char *name); /* its value; NULL if it is not set */

/* find.c: a running container, and the template that an earlier exec has left in its folder */
struct target {
  int data, folder; /* descriptors: the data folder, the container's folder */
  int pid, pidfd;   /* its PID 1 */
  int is_running;
  const struct template *template; /* NULL: there is none that holds */
};
int find_container(const struct exec_request *request, char **envp, int programs, struct target *target);
s64 own_file_size(int fd);

/* template.c */
const struct template *find_template(int folder, u32 kind, int programs);
const char *template_text(const struct template *template, u32 offset);

/* fill.c: copies of the blobs in a template, with what is new in them. Both return a descriptor, or -1. */
int fill_plan(const struct template *template, const struct exec_request *request, char **envp);
int fill_monitor(const struct template *template, const struct exec_request *request, int pid);
int can_quote(const char *program);
u32 count_of(char **list); /* up to its NULL */
int memory_file(const char *name, const void *data, size_t size, int is_program);

/* run.c: returns only if it has not been done */
void run_exec(const struct exec_request *request, const struct target *target, char **envp, int programs);

#endif
