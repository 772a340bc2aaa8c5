/* foster-init: what its files share. */
#ifndef FOSTER_INIT_H
#define FOSTER_INIT_H

#include "wire.h"

/* main.c */
int run(int argc, char **argv);
void *map_blob(size_t least);

/* libc.c */
size_t string_length(const char *text);
int string_equal(const char *a, const char *b);
char *append(char *to, const char *text);
char *append_number(char *to, u64 number);

/* plan.c: run the steps, start the user's process */
int run_plan(void);

/* report.c */
void report(u32 kind, u32 index, s64 value, s64 extra, const char *name);
int await_byte(char wanted);

/* reaper.c: PID 1 */
_Noreturn void reap_until_exit(const struct plan *plan, int child);

/* family.c: who are my children, for --init-verbose and for a shared PID namespace */
void family_open(void);
void family_each_child(void (*visit)(int pid));
void family_watch(int main_child);
void family_reaped(int pid, int main_child);
void family_report_reaped(int pid, int status);

/* main.c */
s64 now_ms(void);

/* monitor.c, terminal.c, janitor.c, remove.c */
int run_monitor(void);
int terminal_receive(int socket);
void terminal_raw(void);
void terminal_restore(void);
void terminal_resize(int master);
int janitor_start(const struct monitor *monitor);
void janitor_finish(void);
void remove_tree(const char *path);
int run_remove(void);

#endif
