/* kill, stop, restart, wait and rm: what they do with each of the containers that are named. */
#ifndef FOSTER_JOB_H
#define FOSTER_JOB_H

#include "record.h"

enum { MAX_JOBS = 64 };

/* job-args.c: the command line */
enum verb { VERB_KILL, VERB_STOP, VERB_RESTART, VERB_WAIT, VERB_RM };
struct job_request {
  enum verb verb;
  int signal;       /* 0: the container's own */
  int has_timeout, is_forced;
  int with_volumes; /* of a removal: anonymous volumes go with it */
  s64 timeout;      /* in seconds; -1: no limit */
  char *references[MAX_JOBS];
  u32 count;
};
int parse_jobs(const char *verb, char **argv, struct job_request *request);
const char *append_signal_name(char *to, int signal);

enum phase { JOB_ASKED, JOB_ENDING, JOB_DONE, JOB_LEFT /* to Node */ };

struct job {
  const struct job_request *request;
  char *reference;
  struct target target;
  struct record record;
  enum phase phase;
  int is_alive, was_told; /* its monitor was, to end */
  int is_unsaid; /* its name could not be printed */
  s64 due;      /* when it is to be looked at again: now_ms */
  s64 deadline; /* of its end */
  s64 delay;    /* in ms */
  int events;   /* of a wait: the file, -1 if there is none */
  s64 events_size; /* when it began */
};

/* cgroups.c */
enum { MAX_CGROUPS = 16, MAX_CGROUP_PATH = 1024 };
struct cgroup_place {
  s64 version;
  int has_freezer;
  char folder[MAX_CGROUP_PATH], inner[MAX_CGROUP_PATH]; /* the one with the limits, and the one with the processes */
};
struct cgroups {
  struct cgroup_place places[MAX_CGROUPS];
  u32 count;
};
int parse_cgroups(const char *text, struct cgroups *cgroups);
int read_cgroups(int folder, struct cgroups *cgroups);
void thaw_cgroups(int folder);
void remove_cgroups(const struct cgroups *cgroups);

/* jobs.c */
int do_jobs(struct job_request *request, char **argv, char **envp, int programs);

/* ending.c */
int mark_stopped(const struct job *job);
int mark_staying(const struct job *job);
void kill_all(struct job *job);
void await_end(struct job *job);
void watch_end(struct job *job);
int has_ended(const struct job *job);

/* kill.c, stop.c, removal.c, wait.c: return 0 where the rest is left to Node */
int begin_kill(struct job *job);
int begin_stop(struct job *job);
void watch_stop(struct job *job, char **envp);
void finish_stop(const struct job *job);
int begin_removal(struct job *job);
int remove_container(struct job *job, int programs);
int wait_for(struct job *job);

#endif
