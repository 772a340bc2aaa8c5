/* The command `foster` without Node: it repeats what TypeScript has planned and done before. At the least doubt, and when
 * anything fails before the user's program runs, it executes Node, which does the whole from the start and explains. So
 * nothing here prints an error of its own, and every function that cannot go on says so by returning 0. */
#ifndef FOSTER_FRONT_H
#define FOSTER_FRONT_H

#include "../init.h"
#include "../program.h"

enum { MAX_OVERRIDES = 256, MAX_PATH = 4096, ID_SIZE = 64, MAX_NAME = 200, MAX_TEMPLATE = 1 << 20 };

/* What is asked of the process that a template is to start. */
struct process_request {
  int interactive, terminal;
  const char *directory;   /* NULL for that of the template */
  char **command;          /* up to a NULL; empty for that of the template */
  const char *overrides[MAX_OVERRIDES]; /* NAME=VALUE, from -e */
  u32 override_count;
};

/* It may be left running. */
static inline int is_detachable(const struct process_request *request) { return request->terminal && request->interactive; }

/* why.c: for --debug */
int because(const char *before, const char *what, const char *after);
void ask_why(void);
void say_without_node(void);
void say_with_node(void);

/* say.c */
int say(int fd, const char *text);
int print_result(const char *text);

/* exec-args.c: what `foster exec` was asked for */
struct exec_request {
  struct process_request process;
  const char *user;        /* UID or UID:GID; NULL for that of the container */
  int detached;
  const char *container;
};
int parse_exec(char **argv, char **envp, struct exec_request *request);
const char *variable(char **envp, const char *name); /* its value; NULL if it is not set */

/* run-args.c: what `foster run` was asked for */
struct run_request {
  struct process_request process;
  char **words; /* the options and ROOT */
  u32 word_count;
  u64 key; /* of the template for them */
  const char *name; /* of --name, if a template for any name will do; else NULL */
  u32 name_word;    /* which ends with it */
  u64 nameless_key; /* of that template */
};
int parse_run(char **argv, struct run_request *request);
const char *nameless(const struct run_request *request, u32 index); /* the word without the name */
int contains(const char *text, const char *part);
char *append_key(char *to, u64 key);

/* start.c: what `foster start` was asked for */
struct start_request {
  int is_attached, has_input;
  const char *container;
  const struct record *restarted; /* NULL: it is not a restart */
};
int parse_start(char **argv, struct start_request *request);

/* find.c: a running container, and the template that an earlier exec has left in its folder */
struct target {
  int data, folder; /* descriptors: the data folder, the container's folder */
  int pid, pidfd;   /* its PID 1 */
  int is_running;
  char id[ID_SIZE + 1];
  struct template *template; /* NULL: there is none that holds */
};
int find_folder(const char *reference, char **envp, struct target *target); /* `data` and `folder` of a container, running or not */
int is_name(const char *text);
int is_id(const char *text);
int find_by_name(int data, const char *name, char id[ID_SIZE + 1]);
int find_container(const struct exec_request *request, char **envp, int programs, struct target *target);
int open_data_folder(char **envp);
struct stat;
int is_own(int fd, u32 type, struct stat *info);
s64 own_file_size(int fd);
int lock_file(int fd, short kind);
int exists(int folder, const char *name);

/* state.c: whether it is alive */
struct live { /* the file `live` */
  int pid, monitor;
  char start[STAT_FIELD_SIZE]; /* of PID 1 */
  s64 started;
};
enum { NO_EXIT = -1, DAMAGED_EXIT = -2 };
int read_live(int folder, struct live *live);
int read_exit(int folder);
int open_init(struct target *target);
int is_exiting(int pid);
int is_namespace_init(int pid);
int has_monitor(int folder);
int open_monitor(int folder);
int is_monitor_stopped(int folder);
int is_locked(const struct target *target);
int hold_lock(const struct target *target);

/* main.c */
void take_signals(void);

/* template.c */
struct template *read_template(int folder, const char *name);
struct template *find_template(const struct target *target, u32 kind, const char *user, int programs);
const char *template_text(const struct template *template, u32 offset);
int is_inside(const struct template *template, u32 offset, u32 size);
int is_well_formed(const struct template *template, u32 size);
void stamp_of(const struct stat *info, u64 to[5]);
int has_programs(const struct template *template, int programs);
int has_record(int folder, const struct template *template);

/* run-template.c */
struct pod;
void stamp_below(const char *root, const char *path, u64 to[5]);
int is_run_whole(const struct template *template);
int is_as_planned(const struct template *template, char **envp, int programs);
struct template *find_run_template(int data, const struct run_request *request, char **envp, int programs, struct pod *pod);
struct template *find_start_template(int folder, char **envp, int programs);
int fill_holes(struct template *template, const void *const values[HOLE_END]); /* NULL: stays as it is */
static inline const struct run_template *run_part(const struct template *template) {
  return (const struct run_template *)((const char *)template + template->run);
}
static inline const struct template_volume *volumes_of(const struct template *template) {
  return (const struct template_volume *)((const char *)template + run_part(template)->volumes);
}

/* fill.c: copies of the blobs in a template, with what is new in them */
int has_slash(const char *text);
int is_utf8(const char *text);
const char *new_program(const struct template *template, char **command);
struct builder {
  char *data; /* grows at its end; its memory is used only as far as it is written to */
  u32 size;
  int is_full;
};
/* What the texts of a template get for their codes. */
struct values {
  const char *texts[CODE_END]; /* by code; NULL: such a code does not appear */
  char **command;
};
int fill_plan(const struct template *template, const struct process_request *request, const struct values *values, char **envp); /* a descriptor, or -1 */
int fill_monitor(const struct template *template, const struct process_request *request, const struct values *values, struct builder *builder);
int blob_file(const struct builder *builder, const char *name);
int can_quote(const char *program);
int is_long(char **command);
u32 count_of(char **list); /* up to its NULL */
int memory_file(const char *name, const void *data, size_t size, int is_program);
char *expand(char *to, const char *end, const char *text, const struct values *values); /* NULL if there is no room */

/* pod.c: the pod of a container */
struct pod {
  char id[ID_SIZE + 1];
  int folder;          /* descriptor */
  struct target infra; /* the container that holds its namespaces; its process is open once the pod is entered */
};
struct values;
struct network;
#define NO_POD {.folder = -1, .infra = {.data = -1, .folder = -1, .pidfd = -1}}
int find_pod(struct template *template, int data, struct pod *pod);
int enter_pod(const struct template *template, struct pod *pod, char **envp, int programs, struct values *values, struct network *network);
int is_pod_going(const struct pod *pod);
int is_as_in_pod(const struct template *template, const struct pod *pod, const struct target *target);
const char *start_pod(const char *reference, char **envp, int programs);

/* launch.c: starting foster-init, and becoming the monitor */
struct launch {
  int init, plan, control, console, streams[3]; /* ours; -1: nothing */
  int pid, pidfd;
};
struct launch_wishes {
  int join;                 /* pidfd of a container; -1: none */
  u64 clone_flags;
  int is_terminal, is_carried, is_logged, has_input;
};
extern int nothing; /* /dev/null */
int prepare_launch(struct launch *launch, int programs);
int launch_init(struct launch *launch, const struct launch_wishes *wishes);
u32 receive(struct launch *launch, struct report *report);
int wait_until_ready(struct launch *launch);
int wait_for_refork(struct launch *launch);
int is_signaled(void);
void abandon(struct launch *launch);
struct monitor_files { int blob, folder, userns, lock, events, joined, network, reads_input; };
void become_monitor(struct launch *launch, const struct monitor_files *files);

/* events.c */
int append_event(int data, const char *text, const struct values *values);
char *append_octet(char *to, u32 octet);
char *append_encoded(char *to, const char *text);
int are_events_short(s64 size);
int has_short_events(int data);

/* create.c: the files of a new container */
struct created {
  int data, lock, folder;
  char id[ID_SIZE + 1], name[MAX_NAME + 1];
  int has_folder, has_name;
};
void choose_id(char id[ID_SIZE + 1]);
int begin_container(struct template *template, struct created *created); /* chooses its id, and names of volumes */
int create_container(const struct template *template, const char *name, struct created *created, struct values *values);
int write_file(const struct created *created, const char *name, const char *text, size_t size, int is_durable);
void remove_created(struct created *created);
void fault_point(const char *step);
void begin_faults(char **envp);

/* network.c: connecting it to a network */
struct network {
  int folder, lock, holder, holder_lock; /* descriptors; -1: it is in none */
  int has_lease, has_names;
  char lease[MAX_NAME + 256], address[16], index[12], mac[18], starter[96];
  char ports[MOST_PORTS][8]; /* those that were chosen */
};
#define NO_NETWORK {.folder = -1, .lock = -1, .holder = -1, .holder_lock = -1}
int take_lease(struct template *template, int data, int init, struct values *values, struct network *network); /* `init`: foster-init */
int announce(const struct template *template, const struct created *created, const struct values *values, struct network *network);
int has_address(u32 wanted);
void close_network(struct network *network);
int hold_pod_network(const struct template_pod *part, const struct pod *pod, struct values *values, struct network *network);
void give_back_lease(const struct template *template, struct network *network);

/* holder.c */
extern int needs_new_recipe; /* that of the template was of no use: Node is to leave another template */
int make_holder(struct template *template, const struct template_network *part, const struct network *network, int init);

/* volumes.c */
enum { MAX_VOLUMES = 64 };
struct held_volumes {
  int locks[MAX_VOLUMES];
  const struct template_volume *made[MAX_VOLUMES]; /* for this container; else NULL */
  u32 count;
};
int hold_volumes(const struct template *template, int data, struct held_volumes *held);
void release_volumes(struct held_volumes *held);
void remove_made_volumes(const struct template *template, int data, const struct held_volumes *held, int is_held);
int hold_volume(int data, const char *name);
long has_entries(int directory);
void choose_hidden(char path[64], const char *kind);
int move_volume_away(int data, const char *name, const char *gone);
void record_volume_event(int data, const char *action, const char *name);

/* owner.c */
int give_directory(const struct template *template, const struct template_volume *volume, int directory);

/* A container that is being started. */
struct running {
  const struct template *template;
  const struct values *values;
  const struct network *network;
  const struct run_template *run;
  const struct process_request *process;
  int data, folder, lock; /* descriptors: the data folder, the container's folder and its lock */
  int is_attached, is_owner; /* this process attaches to it; it ends with this process */
  const char *printed;    /* in the background */
  int failure_code;       /* if the program cannot be executed; 0: that of the message */
  int unsaid_code;        /* if `printed` cannot be printed */
  const struct record *restarted; /* noted when it runs */
  const struct target *joined; /* a process in this container is started; NULL: a container */
  const struct pod *pod;       /* which it enters; NULL: none */
  int is_on_the_way;           /* to something else: this process goes on when it runs, or has failed with that code */
  int *exit_code;
  struct launch launch;
  struct builder monitor;
};
#define NO_LAUNCH {.init = -1, .plan = 0, .control = -1, .console = -1, .streams = {-1, -1, -1}, .pidfd = -1}
int open_events(int data);
int joined_by(const struct running *running); /* the pidfd of the process whose namespaces it enters first; -1: none */

/* background.c */
int begin_with_monitor(struct running *running, char **envp);
int finish_with_monitor(struct running *running); /* returns whether it runs, only if it is on the way; else 0 */

/* background.c, exec.c, run.c, start.c: return only if it has not been done */
void run_with_monitor(struct running *running, char **envp);
void release_launch(const struct running *running);
void run_detachable(struct running *running, char **envp);
void run_start(const struct start_request *request, const struct target *target, struct pod *pod, char **envp, int programs);
void run_exec(const struct exec_request *request, const struct target *target, char **envp, int programs);
void run_run(const struct run_request *request, struct template *template, struct pod *pod, int data, char **envp, int programs);

#endif
