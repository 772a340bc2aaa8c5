/* What the files of the monitor share: monitor.c has one life of the container, hear.c what PID 1 says of it, caller.c
 * what is different with a caller in front, restart.c the lives after the first. */
#ifndef FOSTER_MONITOR_H
#define FOSTER_MONITOR_H

#include "init.h"
#include "program.h"

enum { INPUT, OUTPUT, ERROR, STREAM_COUNT };

struct life {
  const struct monitor *config;
  struct started container;
  struct host host; /* what is done from outside for it */
  int signals;      /* a signalfd */
  int master;       /* the container's terminal; -1: none */
  int status;       /* of PID 1, as wait4(2) gives it; -1 while it runs */
  int exec_code;    /* set when the program could not be executed */
  int has_caller;   /* in the foreground: 0, 1 and 2 are those of somebody who waits for the container */
  int is_kept;      /* it is a container, and not a process that has joined one */
  int is_set_up;    /* from here on programs of the container may speak through its PID 1, were they to trace it */
  int is_awaited;   /* in the background: the foster command that started us still listens on FD_CONTROL */
  int is_input_ending;
  u32 restarts;
  struct stream streams[STREAM_COUNT];
};

extern struct life life;

static inline const char *monitor_text(u32 offset) { return (const char *)life.config + offset; }

/* monitor.c */
enum { COULD_NOT_START = 125 };
void monitor_event(const char *action, const char *attributes);
void tell_starter(const struct report *message);
int begin_life(void);
void serve_life(void);
int end_life(void);
int take_signal(void);
void stop_with_container(void);
int serve_client(int index, int *is_for_group);
void tell_exit(int code);
void open_stream(int number, int from, int to);
void carry_rest(int is_patient);

/* hear.c: what PID 1 reports. Returns its kind, 0 when it says nothing any more. */
u32 take_report(void);

/* caller.c */
void caller_open(void);
void caller_stop(void);
void caller_explain(const char *text);
void caller_show_event(const struct report *event);
void caller_note_signal(int signal);
int caller_is_in_a_hurry(void);
void take_end_of_stream(struct stream *stream, long error);
int caller_exit_code(int code);

/* restart.c */
int run_lives(void);

#endif
