/* foster-init: what its files share. */
#ifndef FOSTER_INIT_H
#define FOSTER_INIT_H

#include "signals.h"
#include "sockets.h"
#include "wire.h"

/* main.c */
int run_mode(int argc, char **argv);
void *map_blob(int fd, size_t least);

/* check.c */
int check_plan(struct plan *plan);
int check_monitor(const struct monitor *monitor);
int check_host(const struct host *host);
int check_next(const struct next *next);

/* libc.c */
void *memcpy(void *target, const void *source, size_t size);
size_t string_length(const char *text);
int string_equal(const char *a, const char *b);
char *append(char *to, const char *text);
char *append_number(char *to, u64 number);
u32 read_number(const char *text);

/* line.c */
void append_line(int fd, const char *line, size_t size);

/* stack.c */
void release_stack(void);
_Noreturn void continue_below(const char *end, void (*run)(void));

/* Of large arrays, which most processes never touch. The linker puts them after all other variables (COMMON), which then share a
 * page or two. They cannot be static. */
#define LARGE __attribute__((common))

/* plan.c: run the steps, start the user's process */
int run_plan(u32 first);

/* report.c */
extern int control_socket;
void report(u32 kind, u32 index, s64 value, s64 extra, const char *name);
int await_byte(char wanted);
enum { EVENTS_A_SECOND = 100 }; /* of orphans that were adopted or reaped, in the background: the most that the monitor records */

/* reaper.c: PID 1 */
_Noreturn void reap_until_exit(const struct plan *plan, int child);

/* orphans.c: PID 1's children and adopted orphans, for --init-verbose and for a shared PID namespace */
enum { FD_CHILDREN = FD_CONTROL + 1, FD_PROC = FD_CONTROL + 2 /* /proc of the container */ };
void orphans_open(const struct plan *plan);
void for_each_child(void (*visit)(int pid));
void orphans_find(int main_child);
void orphans_record_zombie(int pid, int main_child);
void orphans_report_reaped(int pid, int status);

struct entry { /* struct linux_dirent64 */
  u64 inode;
  s64 offset;
  unsigned short size;
  u8 type;
  char name[];
};

/* members.c: the processes of a container that shares its PID namespace with others */
void members_open(void);
int members_visit(int proc, void (*visit)(int pid));
void members_note(int pid);
void members_kill(void);

/* process-stat.c */
enum { PROCESS_STAT_SIZE = 1024, STAT_FIELD_SIZE = 24, STAT_STATE = 3, STAT_FLAGS = 9, STAT_START = 22 };
const char *read_process_stat(int pid, char buffer[PROCESS_STAT_SIZE]);
void copy_stat_field(const char *stat, int number, char field[STAT_FIELD_SIZE]);
void process_start(int pid, char field[STAT_FIELD_SIZE]);
int is_running_process(int pid, const char *start);

/* clock.c */
s64 now_ms(void);
s64 clock_ms(void);
u64 clock_ns(void);

/* monitor.c, and the files that monitor.h names */
int run_monitor(void);

/* state.c */
long state_live(int pid, u32 restarts);
int state_events_full(void);
void state_ended(int code, const char *subject);
void state_counts(u64 adopted, u64 reaped);
enum { HEALTH_RESULTS = 5, HEALTH_OUTPUT = 4096 /* kept of what a check writes: Docker's number */ };
struct health_result {
  s64 began, ended; /* ms since 1970 */
  int code;         /* -1: it was killed, or could not be started */
  u32 size;         /* of the output; one more than HEALTH_OUTPUT if there was more */
  char output[HEALTH_OUTPUT];
};
struct health_state {
  u32 status, streak; /* of the first check: failures in a row */
  u32 is_started;     /* a startupProbe has succeeded, or there is none */
  u32 ends;           /* how often a probe has ended the container since foster has started it */
};
void state_health(const struct health_state *state, const struct health_result *results, u32 count);
void state_event(const char *action, const char *subject, const char *attributes);
void state_network_events(const char *action);
void state_event_line(const char *text);
int state_has(const char *name);
void state_mark(const char *name);
long state_restore_limits(void);
void state_remove(const char *name);
void state_restart_policy(u32 *policy, u32 *most);

/* log.c */
void log_open(u64 max_size, u32 max_files);
void log_write(const char *data, size_t size, u8 stream);

/* attach.c: the clients of a detached container, in its monitor; client.c: such a client */
enum { MAX_CLIENTS = 8, ATTACH_SHORT = 8 };
void attach_open(void);
void attach_adopt(int fd);
int attach_listener(void);
int attach_client(int index);
int attach_accept(void);
int attach_stalled(void);
u8 attach_receive(int index, char message[ATTACH_SHORT], size_t *size);
int attach_has_clients(void);
int attach_has_input(void);
int attach_is_abandoned(void);
int attach_notify_owner(u8 kind);
void attach_write_input(int fd);
void attach_send(u8 kind, char *data, size_t size);
int run_client(int argc, char **argv);

/* start.c: starts PID 1 from a plan */
struct started {
  int pid, control, console, input, output, error;
  u32 failed_step;
};
long start_plan(s32 *descriptors, s32 count, u64 clone_flags, s32 *pidfd);
long start_container(const struct monitor *monitor, struct started *started, struct host *host);
void close_started(struct started *started);
long open_pipe(int ends[2]);
void set_descriptor(long fd, int number);

/* cgroup.c */
struct host;
struct host_step;
long cgroup_step(const struct host *host, struct host_step *step, const char *path);
void cgroup_undo(struct host_step *step, const char *path);
void cgroup_remove(const char *path);
long cgroup_write(const char *path, const char *name, const char *text);
long cgroup_open_oom(const char *path, const char *name);
s64 cgroup_oom_kills(int file);

/* storage.c: becomes the program that provides the root filesystem */
int run_storage(int argc, char **argv);

/* enter.c */
int namespaces_of(const char *letters);
int run_enter(char **argv);

/* holder.c: the network holder, and the programs that belong to it */
int run_network_holder(void);
int run_service(char **argv);
int run_attendant(char **argv);
void become_orphan(void);
void sleep_ms(s64 ms);
void limit_capabilities(u64 mask);
long service_start(char **argv, u64 capabilities, int *status);

/* outside.c */
long outside_open(int netns, const char *folder);
_Noreturn void outside_wait(char **argv);

/* forward.c: published ports */
int run_forward(int argc, char **argv);

/* helper.c */
struct helper {
  int pid, control; /* 0, -1: it does not run */
};
#define NO_HELPER (struct helper){.pid = 0, .control = -1}
long helper_start(struct helper *helper, s32 plan, s32 output);
int helper_ended(struct helper *helper, int pid);
void helper_kill(struct helper *helper);

/* hook.c */
void hook_start(const struct monitor *monitor);
void end_container(const struct monitor *monitor, u32 grace);
s64 end_due(void);
void end_run(const struct monitor *monitor);
void hook_child_exited(int pid, int status);
void hook_stop(void);

/* health.c */
s64 health_due(void);
int health_output(u32 index);
void health_read(u32 index);
void health_start(const struct monitor *monitor);
void health_run(const struct monitor *monitor);
void health_child_exited(const struct monitor *monitor, int pid, int status);
void health_stop(void);

/* stream.c: carries bytes between the caller and the container */
struct pollfd;
struct stream {
  int from, to; /* `to` -1: only to `watch` */
  u8 keeps_ends, is_spliced, is_teed, reads_socket, writes_socket, never_blocks;
  u8 is_full;    /* `from` has data, but `to` has no room */
  u8 is_resting; /* lets data accumulate before it is polled again */
  u8 number;     /* for `watch` */
  u32 size, at;  /* of `data`: how much it holds, and how much of that is written */
  u32 observed;  /* how many bytes at the beginning of `from` were given to `watch` already */
  char *data;    /* has room for a byte before it */
  void (*watch)(u8 number, char *data, size_t size); /* is given each byte once; may overwrite the byte before `data` */
};
enum { STREAM_BUFFER = 32768 /* also the most in a frame of the log */, STREAM_REST_NS = 100000 };
enum { STREAM_AT_END = -4096 }; /* beside the kernel's errors */
void stream_open(struct stream *stream, int from, int to, char *data, int keeps_ends);
void stream_watch(struct stream *stream, u8 number, void (*watch)(u8 number, char *data, size_t size));
void stream_close(struct stream *stream); /* ends the transfer; the descriptors stay open */
int stream_has_data(const struct stream *stream);
int stream_poll(struct stream *stream, struct pollfd *polls); /* fills two: of `from` and of `to`. Returns whether it rests */
char *append_stream_error(char *to, int is_input, long error);
long stream_carry(struct stream *stream, const struct pollfd *polls);
long stream_observe(struct stream *stream); /* gives `watch` all that is in `from`, without removing it */

/* terminal.c, janitor.c, remove.c */
int terminal_receive(int socket);
void terminal_raw(void);
void terminal_restore(void);
void terminal_resize(int master);
void terminal_set_raw(int was_made_raw);
int janitor_start(const struct monitor *monitor); /* NULL: it only restores the terminal */
void janitor_finish(void);
/* Bytes from the monitor to the janitor. If the pipe closes without JANITOR_DONE, the monitor was killed. */
enum { JANITOR_DONE = 'k', JANITOR_RAW = 'r', JANITOR_COOKED = 'c' };
void janitor_notify(char message);
int remove_tree(int dir, const char *path);
int run_remove(void);

#endif
