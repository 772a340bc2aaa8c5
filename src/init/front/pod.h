/* The records of pods, and what a template depends on of them: pod-record.c and pod.c. */
#ifndef FOSTER_POD_H
#define FOSTER_POD_H

#include "record.h"

enum { SHORT_ID = 12, TIME_SIZE = 24 };

/* What identifies a pod or a container, in its record. */
struct noted {
  char id[ID_SIZE + 2], created[TIME_SIZE + 2];
  const char *infra;        /* JSON; of a pod: what it says about that container */
  const char *name;         /* JSON */
  const char *pod, *labels; /* JSON, or NULL */
  int is_plain;             /* nothing else begins or ends with it: it is neither of a Job nor an init container or a sidecar */
};
int read_noted(const char *text, struct noted *noted);

/* What differs from pod to pod, in the order in which it is looked for. */
struct mask {
  const char *text; /* NULL after the last one */
  u32 size;
  u8 code;
};
enum { MASKS = 10 };
void masked_stamp(const char *text, const struct mask masks[MASKS], const char *name, u64 to[3]);
static inline int is_same_text(const u64 found[3], const u64 wanted[3]) { return found[0] == wanted[0] && found[1] == wanted[1] && found[2] == wanted[2]; }

static inline const struct template_pod *pod_part(const struct template *template) {
  return (const struct template_pod *)((const char *)template + run_part(template)->pod);
}

struct pod_masks {
  struct noted own, infra;
  struct mask masks[MASKS];
};
/* start.c: a container of a pod, or its infra container, that is started on the way to something else */
struct in_pod {
  struct process_request process;
  struct values values;
  struct network network;
  struct running running;
};
int begin_in_pod(struct in_pod *one, struct template *template, const struct target *target, const char *name, const struct pod *pod, char **envp, int programs, int *exit_code);
int finish_in_pod(struct in_pod *one);

int open_below(int data, const char *folder, const char *id);
int find_by_pod_name(int data, const char *name, char id[ID_SIZE + 1]);
int read_pod(const struct pod *pod, struct target *infra, struct pod_masks *masks, const char *texts[2]);
int stamp_member(const struct pod *pod, const char *text, const struct noted *noted, u64 stamp[3]);
struct template *find_by_stamp(const struct pod *pod, const char *kind, const u64 stamp[3]);
int is_infra_running(struct pod *pod);
int start_infra(struct template *template, struct pod *pod, char **envp, int programs);

#endif
