/* What the files of the monitor share: monitor.c has one run of the container, handle-report.c the reports of PID 1,
 * caller.c what is different in the foreground, oom.c OOM kills, restart.c the restarts, last-program.c the end. */
#ifndef FOSTER_MONITOR_H
#define FOSTER_MONITOR_H

#include "init.h"
#include "program.h"

enum { INPUT, OUTPUT, ERROR, STREAM_COUNT };

struct run {
  const struct monitor *config;
  struct started container;
  struct host host; /* its host steps */
  struct host links; /* host steps of `next`, which come first */
  const struct next *next; /* NULL: its networks are those of the first start */
  int signals;      /* a signalfd */
  int master;       /* the container's terminal; -1: none */
  int status;       /* of PID 1, as wait4(2) gives it; -1 while it runs */
  int exec_code;    /* set when the program could not be executed */
  int has_caller;   /* in the foreground: 0, 1 and 2 are those of the caller, which waits for the container */
  int has_record;   /* a container with state on disk, not a process that has joined one */
  int is_set_up;    /* from now on, a program of the container that traces its PID 1 may forge reports */
  int has_starter;  /* in the background: the foster command that started us still reads FD_CONTROL */
  int is_input_ending;
  int has_lost_pod; /* the container whose namespaces it shares has ended */
  int is_shutdown;  /* we were told to end, as at a shutdown: the container is not restarted */
  u32 restarts;
  int oom_file;     /* counts OOM kills; -1: none */
  s64 oom_kills;    /* so far */
  s64 ends_ms;      /* the time limit at which it is killed; -1: none */
  struct stream streams[STREAM_COUNT];
};

extern struct run run;

static inline const char *monitor_text(u32 offset) { return (const char *)run.config + offset; }

/* monitor.c */
enum { COULD_NOT_START = 125 };
void keep_output(u8 number, char *data, size_t size);
void monitor_event(const char *action, const char *attributes);
void signal_container(int signal, int is_for_group);
void kill_container(void);
void notify_starter(const struct report *message);
int start_run(void);
void serve_run(void);
int finish_run(void);
int handle_signal(void);
void stop_with_container(void);
int serve_client(int index, int *is_for_group);
void report_exit(int code);
void open_stream(int number, int from, int to);
void drain_output(int waits_for_reader);

/* handle-report.c: handles a report of PID 1. Returns its kind, 0 if the control socket is closed. */
u32 handle_report(void);

/* caller.c */
void caller_open(void);
void caller_stop(void);
void caller_print(const char *text);
void caller_print_event(const struct report *event);
void caller_record_signal(int signal);
int caller_wants_exit(void);
void handle_end_of_stream(struct stream *stream, long error);
int caller_exit_code(int code);

/* oom.c */
void check_oom_kills(void);
void begin_oom_watch(void);
void end_oom_watch(void);

/* last-program.c */
void note_member(void);
void run_last_program(int code);

/* restart.c */
int run_with_restarts(void);

/* joined.c */
long reopen_joined(void);

/* next.c */
void adopt_next(void);
void undo_all_host_steps(int is_graceful);

#endif
