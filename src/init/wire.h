/* What TypeScript sends to foster-init, and what foster-init reports. The encoder is wire.ts, beside this file: change both
 * together, and increase VERSION. Numbers are in the machine's byte order; offsets count from the start of the blob that
 * contains them. */
#ifndef FOSTER_WIRE_H
#define FOSTER_WIRE_H

#include "sys.h"

#define MAGIC 0x74736f66 /* "fost" */
#define VERSION 11

/* Descriptors by convention, in every mode. */
enum { FD_CONTROL = 3, FD_BLOB = 4 };

struct plan {
  u32 magic, version, size, flags;
  u32 steps;         /* offset of struct step[init_steps + process_steps] */
  u32 init_steps;    /* run by PID 1 */
  u32 process_steps; /* run by the user's process, before it executes its program */
  u32 relocations;   /* offset of u32[relocation_count]: where the blob has an offset that must become a pointer */
  u32 relocation_count;
  u32 programs; /* offset of a NULL-terminated pointer array: paths to try, in order, as execvp(3) does */
  u32 argv, envp;
  u32 grace_ms; /* between SIGTERM and SIGKILL for processes that outlive the user's process */
  u32 kept; /* how many descriptors of the caller the user's process gets, from 3 on */
};

enum {
  PLAN_SHIM = 1,   /* remain as PID 1 and reap; otherwise PID 1 executes the user's program itself */
  PLAN_TRACE = 2,  /* report every step, not only the one that fails */
  PLAN_VERBOSE = 4,/* report every orphan when it is adopted and when it is reaped */
  PLAN_GROUP = 8,  /* forward signals to the process group of the user's process */
  PLAN_COUNTS = 32, /* report each orphan when it is reaped, and their number */
  PLAN_NESTED = 64, /* has a STEP_RENEW */
  PLAN_SHARED = 16, /* not PID 1 of its own namespace: kill(-1) would reach other processes */
  PLAN_MEMBER = 128, /* of a pod that shares its PID namespace: the pod's PID 1 adopts the orphans, and these are killed at the end */
  PLAN_IDLE = 256   /* there is no program: PID 1 only holds its namespaces, and reaps */
};

/* A system call. An argument is a number, a pointer into the blob, or the s32 that an earlier step stored. */
enum { ARG_NUMBER = 0, ARG_POINTER = 1, ARG_STORED = 2 };

struct step {
  u32 number; /* of the system call, or one of STEP_* */
  u32 kinds;  /* two bits per argument, the first lowest */
  u64 arguments[6];
  u32 store;    /* offset where the result is stored as s32; 0: nowhere */
  u8 ignore[4]; /* errno values that are no failure; unused ones are 0 */
};

enum {
  STEP_AWAIT = 0x10000, /* wait for CONTROL_RESUME, which says that the id maps are written */
  STEP_REFORK, /* continue as a new child of our parent: setns(2) moves only children into a PID namespace */
  STEP_ORPHAN, /* continue as a new process, and exit: it becomes a child of PID 1 */
  STEP_FILE_SYSTEM, /* descriptor, magic number of statfs(2): -EXDEV if the file is on another type of filesystem */
  STEP_NOT_ON, /* two descriptors: -EXDEV if both are on the same filesystem */
  STEP_RENEW, /* descriptor of foster-init, 0: /proc/self/exe. Execute it again, so that its memory belongs to its own user namespace,
                 and continue */
  STEP_NETLINK, /* rtnetlink messages, their size in bytes: sends them in our network namespace */
  STEP_MOUNT_OF, /* pidfd, path: a detached copy of the mount that the process has there */
  STEP_PROBE, /* address for connect(2), its size, request, its size: asks a server, and exits with 0 if it works, or else 1 */
};

/* Parent -> foster-init: single bytes. */
enum { CONTROL_RESUME = 'R', CONTROL_START = 'S' };

/* Linux signals from 1 to 31 of x86-64 and arm64 (signal(7)), by their place in the list. */
#define SIGNAL_NAMES \
  "- HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ " \
  "VTALRM PROF WINCH IO PWR SYS"

/* Values of signals sent to PID 1 with sigqueue(3): for the process group of the user's process; for PID 1 itself. */
enum { SIGNAL_TO_GROUP = 1, SIGNAL_TO_INIT = 2 };

/* foster-init -> parent, one datagram each. */
struct report {
  u32 kind, index;
  s64 value, extra;
  char name[16];
};

enum {
  REPORT_STEP = 1,    /* index: of the step, value: its result */
  REPORT_FAILED,      /* index: of the step, value: errno; of a host step also extra: `detail` of struct host */
  REPORT_READY,       /* waits for CONTROL_START, and then executes the user's program */
  REPORT_EXEC_FAILED, /* value: errno */
  REPORT_REFORKED,    /* value: the pid of the process that continues */
  REPORT_EXECUTED,    /* the user's program runs */
  REPORT_STARTED,     /* from a monitor that starts PID 1 itself. value: its pid */
  REPORT_ADOPTED,     /* value: pid, name: its command */
  REPORT_REAPED,      /* value: pid, extra: wait status, index: ms since the adoption was seen, name: its command */
  REPORT_STOPPED,     /* the user's process has stopped; value: by which signal */
  REPORT_COUNTS,      /* value: orphans adopted, extra: orphans reaped, since the start */
  REPORT_HANDED,      /* from a monitor that starts PID 1 itself. index: of a host step, value: HANDED_TOP_ONLY or _PLAIN */
};

#define NO_STEP 0xffffffffu
/* Failures outside of the plan's steps: the clone of PID 1, recording that the container runs, or HOST_STEP + the index of a
 * host step. */
#define CLONE_STEP 0xfffffffeu
#define STATE_STEP 0xfffffffcu
#define HOST_STEP 0xffff0000u

/* A program to start, or to execute in this process: program.c. Addresses are of the process that starts it. */
struct program {
  u64 path; /* address of a text: looked up below `file`; empty: `file` itself is executed */
  u64 argv, envp, descriptors; /* addresses of pointer arrays up to a NULL, and of s32[descriptor_count] */
  s32 file; /* descriptor, or AT_FDCWD */
  s32 descriptor_count; /* descriptors[i] becomes i; -1 leaves i closed, and all others are closed. Written over */
  s32 is_privileged; /* keep the capabilities in a new user namespace: capabilities(7), "ambient" */
  s32 parent_death_signal;
  s32 error; /* errno of a child that could not execute the program */
};
enum { MAX_DESCRIPTORS = 1024 /* of one program */ };

/* A step that the starter of PID 1, or of another new process, does for it from outside: launcher.c. */
struct host_step {
  u32 kind;
  u32 words; /* offset of NUL-terminated texts, one after the other */
  u32 count; /* of the words */
  u32 detail;
  s32 result; /* written when the step is done: the pid of a program that keeps running, or one of HANDED_* */
};

enum {
  HOST_NOTHING, /* a step that the file `next` has replaced */
  HOST_WRITE, /* words: a file below /proc/PID, and the text to write to it; detail: WRITE_* */
  HOST_RUN,    /* words: path, arguments; detail: index of the word that PID replaces, 0 for none. The exit code must be 0.
                  Runs in parallel with the HOST_RUN steps that follow directly */
  HOST_START,  /* words: arguments of foster-init, which becomes a program that runs until the container has ended;
                  detail: how many ms it then gets to end by itself */
  HOST_RESUME, /* sends CONTROL_RESUME to PID 1 */
  HOST_HAND,   /* words: a path, maybe another one below it; detail: HAND_*. Sends PID 1 a mount of it with ids shifted as in PID 1's user namespace */
  HOST_CGROUP, /* words: the path of a cgroup, and what the action needs; detail: CGROUP_* */
  HOST_NETLINK, /* words: offset of rtnetlink messages; count: their size in bytes; detail: NETLINK_*, and in the bits above
                   the offset in the messages at which to write the PID, 0 for none */
};
enum { MAX_MAP_LINES = 340 /* user_namespaces(7) */, MAX_HOST_WORDS = 3 * MAX_MAP_LINES + 4, MAX_LAYERS = 500 };

enum { WRITE_FROM_ABOVE = 1 /* by a process in the user namespace of the network holder */ };

enum {
  NETLINK_IN_CONTAINER = 1, /* in the container's network namespace; by default in the network holder's */
  NETLINK_PID_SHIFT = 1,
};

enum {
  HAND_DEEP = 1,    /* with all mounts below it */
  HAND_DEVICES = 2, /* devices on it can be used */
  HAND_MUST_SHIFT = 4,  /* fail if its ids cannot be shifted */
};
/* The result: the ids of all its mounts are shifted, only those of the top one, or none. */
enum { HANDED_WHOLE, HANDED_TOP_ONLY, HANDED_PLAIN };

enum {
  CGROUP_MAKE = 1, /* the result is 1 if it was made. Undone by removing it */
  CGROUP_WRITE,    /* more words: a file in it, and the text to write to it */
  CGROUP_ENTER,    /* moves PID 1 into it */
  CGROUP_MOVE_ALL, /* another word: a cgroup to which all its processes are moved */
  CGROUP_AWAIT,    /* the word is a line of /proc/PID/cgroup: waits until it appears for PID 1 */
  CGROUP_SHARED = 16, /* with CGROUP_MAKE: it may exist already, and is removed only if it is empty */
};

/* Host steps, the process for which they are done, and the result. */
struct host {
  u64 blob; /* address of the blob that contains them */
  u32 size; /* of the blob */
  u32 steps, count; /* offset of struct host_step[count] */
  s32 pid; /* the process for which they are done; 0: none */
  s32 pidfd; /* of that process; -1: none */
  s32 control; /* socket to it; -1: none */
  s32 holder; /* pidfd of the network holder; -1: none */
  s32 userns; /* the user namespace by which ids are shifted */
  s32 output; /* stderr of programs; -1: discarded */
  s32 init; /* descriptor of foster-init; -1: we are foster-init */
  s32 starter; /* socket to the process that requested the steps; when it closes, a wait ends; -1: none */
  u32 failed; /* index of the step that has failed */
  s32 error; /* errno; 0: a program has failed */
  s32 detail; /* wait status of that program; of HOST_START: which part has failed (STORAGE_*); -1: not known */
};

/* Parts of the HOST_START "storage": storage.c. */
enum { STORAGE_JOIN, STORAGE_DEVICE, STORAGE_FOLDER, STORAGE_MOUNT, STORAGE_VIEW, STORAGE_LAYER, STORAGE_PROGRAM };

/* Descriptors of the monitor, in addition to FD_CONTROL and FD_BLOB. Those from FD_PLAN on are for a monitor that starts its
 * container itself. Its FD_CONTROL is a socket to the foster command that waits for the start. */
enum {
  FD_PIDFD = 5,
  FD_CONSOLE,
  FD_DIRECTORY, /* the container's folder */
  FD_USERNS, /* the user namespace of the container, or of the container that it joins */
  FD_LOCK,
  FD_MONITOR_END,
  FD_PLAN = FD_MONITOR_END,
  FD_EVENTS,
  FD_JOINED, /* a pidfd of the container whose namespaces are shared, or of the network holder */
  FD_HOST_OUTPUT, /* stderr of the programs of host steps */
  FD_INPUT,       /* our ends of the pipes for 0, 1 and 2 of a container without a terminal */
  FD_OUTPUT,
  FD_ERROR,
  FD_NETWORK, /* the lock of the user's networks: the network holder lives as long as the lock is held */
  FD_CLIENT, /* the only client, if there is no folder with a socket for others: foster exec -it */
  FD_HOLDER, /* a pidfd of the network holder */
  FD_POST_START, /* the plan of the hook of a start */
  FD_PRE_STOP,   /* and of the one before the stop signal, where a check ends the container */
  FD_CHECKS,     /* the plans of the checks, one after the other */
  FD_SUPERVISOR_END = FD_CHECKS + 3, /* MAX_CHECKS */
};

/* Descriptors of PID 1 while it runs a plan. */
enum {
  PLAN_FD_CONSOLE = 5,
  PLAN_FD_JOIN = 8,
  PLAN_FD_KEPT = 600, /* and following: those of the caller for the user's process. Above all that steps open: MAX_LAYERS */
};
enum { MAX_KEPT = 64 };

/* Descriptors of foster-init when it executes another program in the user namespace of a container (enter.c): a pidfd of a
 * process there, and the program. Lower ones are for the program. */
enum { FD_ENTERED = 7, FD_PROGRAM };

struct monitor {
  u32 magic, version, size, flags;
  s32 pid;          /* PID 1 of the container in our PID namespace; 0: the monitor starts it */
  u32 remove;       /* offset of NUL-terminated paths, the last one empty: removed at the end */
  u32 failures;     /* offset of struct failure[failure_count] */
  u32 failure_count;
  u32 subject;      /* offset of " ID NAME", for events; empty if there are none */
  u32 clone_flags;
  u32 log_max_size;    /* KiB; 0: no limit */
  u32 log_max_files;
  u32 checks; /* offset of struct check[check_count]; the result of the first is the health of the container */
  u32 check_count;
  u32 stop_signal;    /* where a check ends the container */
  u32 pre_stop_pause; /* ms: a hook before the stop signal that only waits; 0: none */
  u32 time_limit; /* ms after the start at which it is killed; 0: none */
  u32 oom; /* offset of a cgroup, the file in it that counts OOM kills, and a message for the caller; 0: none */
  u32 host_steps; /* offset of struct host_step[host_step_count]: already done if `pid` is set */
  u32 host_step_count;
  u32 names;        /* offset of NUL-terminated paths, the last one empty: removed when the container has ended for good */
  u32 volumes;      /* offset of texts, the last one empty; two for each volume: lines of the events file, without the time, that it is
                     * mounted, and that it is not any more */
  u32 kept; /* descriptors of the caller for the user's process: those from FD_SUPERVISOR_END on */
  u32 last_argv, last_envp; /* offsets of NUL-terminated texts, the last one empty: a program to run when the container has ended
                               for good and its files are gone; 0: none */
  u32 last_unless; /* offset of the path of a file: the program is not run while the command that has noted itself there runs; 0: none */
  u32 last_lock; /* offset of the path of a file that each container of its pod has a shared lock of: the program is run only for the last
                    one; 0: for each */
  u32 joined; /* offset of a path below the container's folder: the file `live` of the container whose namespaces it shares, and with
                 which it ends; 0: none */
  u32 failure_file; /* offset of the path of a file that counts the failures of several containers, a byte each: the restart policy
                       counts those, and not only its own; 0: none */
};

/* A health check: health.c. Times in ms. */
struct check {
  u32 flags; /* CHECK_* */
  u32 first; /* after the start of the container */
  u32 interval, start_interval, timeout, start_period;
  u32 failures, successes; /* as many in a row decide */
  u32 grace; /* with CHECK_ENDS: between the stop signal and SIGKILL; the hook before it counts */
};
enum { MAX_CHECKS = 3 };
enum {
  CHECK_KILLS = 1,   /* the container is killed when it fails */
  CHECK_ENDS = 2,    /* the container is told to end when it fails */
  CHECK_STARTUP = 4, /* until its first success, the others wait; then it is not asked again */
};

enum {
  MONITOR_TERMINAL = 1,    /* a pseudo-terminal's master is sent over FD_CONSOLE */
  MONITOR_INTERACTIVE = 2, /* stdin is carried to the container */
  MONITOR_REMOVE = 4,
  MONITOR_USERNS = 8,
  MONITOR_VERBOSE = 16,
  MONITOR_SHIM = 32,
  MONITOR_STATELESS = 64,  /* a process that joins a container: it has no state on disk */
  MONITOR_PRE_STOP = 128, /* has a hook that is run before a check ends the container */
  MONITOR_JOINS = 256,
  MONITOR_NESTED = 512, /* PID 1 makes its namespaces itself, in the user namespace of the network holder */
  MONITOR_UNLOGGED = 1024, /* no log of its output */
  MONITOR_MEMBER = 4096, /* PLAN_MEMBER */
  MONITOR_POST_START = 16384, /* has a hook that is run at each start */
  MONITOR_SEEN = 8192, /* shares the PID namespace of another container, so its own process can only be accessed when it is ready */
};

/* The file `next` in the container's folder: what the monitor does differently when it restarts the container, because the
 * container's networks have changed since it was started. */
struct next {
  u32 magic, version, size;
  u32 names;           /* as in struct monitor */
  u32 host_steps;      /* offset of struct host_step[host_step_count], for those of the first start that connect it to networks */
  u32 host_step_count;
  u32 plan, plan_size; /* a struct plan */
};

/* Messages between a detached container's monitor and its clients: a byte for the kind, then the rest. */
enum {
  ATTACH_OUTPUT = 'o',
  ATTACH_ERROR = 'e',
  ATTACH_INPUT = 'i',  /* another one only after ATTACH_TAKEN, so that input does not hold up other messages */
  ATTACH_TAKEN = 't',
  ATTACH_INPUT_END = 'c',
  ATTACH_WINDOW = 'w', /* u16 rows, u16 columns */
  ATTACH_SIGNAL = 's', /* u8 signal, u8: whether it is for the process group */
  ATTACH_ALL = 'a',    /* this client wants all output: wait for it */
  ATTACH_EXIT = 'x',   /* u8 exit code */
  ATTACH_OWNER = 'm',  /* as ATTACH_ALL; and the container ends if this client disconnects without ATTACH_DETACH */
  ATTACH_DETACH = 'd',
  ATTACH_STOPPED = 'z' /* to the owner: the user's process has stopped */
};
enum { ATTACH_CHUNK = 16384 };

/* The message and the exit code if the user's program could not be executed. */
struct failure {
  s32 error; /* errno; 0 matches any */
  s32 exit_code;
  u32 text;
};

/* A file from which the front repeats what TypeScript has done before: front/. An exec leaves one in the container's folder, a run
 * one in the folder `templates`. Offsets count from the start of the file. It is used only while everything that it was made
 * from is what it was. */
struct template {
  u32 magic, version, size, kind;
  u64 config[5], cgroups[5]; /* of an exec and a start, struct stamp: the container's config.json and cgroups */
  u64 init[5], bundle[5];    /* foster-init, and the bundle that has written this */
  u32 plan, plan_size;       /* a plan, without what `holes` and the command line change */
  u32 monitor, monitor_size; /* a monitor's blob, without failures */
  u32 failures;       /* offset of struct template_failure[2 * failure_count]: for a path, and for a name that is looked up */
  u32 failure_count;
  u32 event;          /* offset of a text: of an exec, the event after its time, up to the command; of a run, that of the creation */
  u32 path;           /* offset of a text: where a program is looked up */
  u32 directory;      /* offset in the plan of the argument that is the working directory; 0 for a run */
  u32 run;            /* offset of struct run_template; 0 for an exec */
  u32 keys;           /* offset of a text: the keys that detach */
  u32 health, health_size; /* of a container with a health check: a plan, for the monitor; or zeros */
  u64 passwd[5], group[5]; /* of an exec as a user: struct stamp of the container's files that say more about the user */
};
#define TEMPLATE_MAGIC 0x6d657466 /* "ftem" */
enum {
  TEMPLATE_EXEC = 1,
  TEMPLATE_EXEC_TERMINAL,
  TEMPLATE_EXEC_DETACHED,
  TEMPLATE_EXEC_DETACHABLE, /* with a terminal and input: a monitor of its own, which the command attaches to */
  TEMPLATE_RUN,          /* the command becomes the monitor */
  TEMPLATE_RUN_DETACHED, /* a monitor of its own */
  TEMPLATE_RUN_ATTACHED, /* a monitor of its own, which the command attaches to */
  TEMPLATE_NONE,         /* such a run is always TypeScript's */
  TEMPLATE_START,        /* the start of a container that exists: in its folder, with config, and with a run part without holes */
};

/* A message in two parts: between them is the program as the user has named it, in quotation marks. */
struct template_failure {
  s32 error, exit_code;
  u32 before, after;
};

/* What only the template of a run has. Its texts may have holes: a byte CODE_* in place of what differs from run to run. Lists are of
 * NUL-terminated texts. */
struct run_template {
  u32 uid, gid;    /* of the caller */
  u32 flags;       /* RUN_* */
  u32 clone_flags; /* of PID 1 */
  u32 words, word_count;         /* list: the command line from ROOT backwards, after `run` */
  u32 variables, variable_count; /* list: variables that were read, NAME=VALUE, or a NAME that was not set */
  u32 boot, host;                /* texts: the kernel's boot id, the machine's host name */
  u32 directory;                 /* text: the caller's working directory; empty if it does not matter */
  u32 files, file_count;         /* offset of struct template_file[] */
  u32 holes, hole_count;         /* offset of struct template_hole[] */
  u32 name;                      /* text: the container's name; empty for a random one, and for any */
  u32 adjectives, nouns;         /* texts: the words of random names, with spaces between them */
  u32 record, restart;           /* texts: config.json, and the file `restart` */
  u32 subject;                   /* text: " ID NAME" for the monitor */
  u32 remove, remove_count;      /* list: paths for the monitor to remove */
  u32 texts, text_count;         /* offset of u32[]: arguments in the plan that are texts with CODE_*, each before the one that is its length */
  u32 network;                   /* offset of struct template_network; 0: it is in no network */
  u32 volumes, volume_count;     /* offset of struct template_volume[]: those that a new container uses */
  u32 uid_map, gid_map;          /* texts: JSON of the id maps with which directories of volumes are given to users of the container */
  u32 cgroups;                   /* text: the file `cgroups` of a new container; empty if it has none */
  u32 oom, oom_count;            /* list: what the monitor gets as `oom` in a new container */
  u32 pod;                       /* offset of struct template_pod; 0: it is in none */
};

/* The pod of a container, or of a pod's infra container. It may be another one than that of the container that has left the template, if
 * what their config.json files say is the same but for ids and times: POD_MASK_*. */
struct template_pod {
  u64 record[3], infra_record[3]; /* of their config.json: how many bytes, and two hashes of them, with masks */
  u64 member[3];                  /* that of a container which is to be started by a template in the folder of all; else zeros */
  u32 reference;                  /* text: its name, as the command line has it; empty for a container that exists */
  u32 id, infra;                  /* texts: its id, and that of its infra container */
  u32 host;                       /* the address of the machine in /etc/hosts, in network byte order; 0: it is not there */
  u32 network;                    /* POD_NETWORK_* */
};
enum {
  POD_NETWORK_NONE,
  POD_NETWORK_BELOW,   /* its user namespace is below that of the networks, whose lock its containers hold, too */
  POD_NETWORK_ADDRESS, /* and it has an address, which is CODE_ADDRESS in texts */
};
/* What each is hashed as: a byte that JSON does not have. */
enum { POD_MASK_ID = 1, POD_MASK_INFRA, POD_MASK_SHORT_ID, POD_MASK_SHORT_INFRA, POD_MASK_CREATED, POD_MASK_MEMBER, POD_MASK_SHORT_MEMBER, POD_MASK_NAME };

/* How a run is connected to a network, with an address of its own. Texts may have CODE_*. */
struct template_network {
  u32 states, state_count;   /* list: parts of what the lock file of the network holder says */
  u32 host;                  /* the address of the machine, in network byte order */
  u32 first, last;           /* the addresses to choose from, in the machine's byte order */
  u32 except, except_count;  /* offset of u32[]: those of them that no container gets */
  u32 lease_name, lease;     /* texts: the file of the lease, and its content */
  u32 note;                  /* text: the file `networks` of the container */
  u32 remove, remove_count;  /* list: files for the monitor to remove when the container has ended for good */
  u32 names_file, names;     /* texts: the file with its names, and its content; empty if it has none */
  u32 ports, port_count;     /* offset of struct template_port[]: free ports of the machine that are to be chosen */
  u32 recipe, recipe_size;   /* memory with host steps that make the network holder, where none runs */
  u32 recipe_steps, recipe_count; /* offset of struct host_step[] within it; none: that is Node's */
  u32 holder_state;          /* text: what its lock file says, after its process */
  u32 has_ipv6;              /* whether the machine reached others by IPv6 */
};

struct template_port {
  u32 address; /* where it must be free, in network byte order */
  u32 is_udp;
};

/* A volume that a new container uses, in the order of their names. */
struct template_volume {
  u32 name;       /* text */
  u32 definition; /* text: config.json of one that is made; empty if it must exist */
  u32 flags;      /* VOLUME_* */
  u32 mode, uid, gid, unused; /* of its directory */
  u64 times[4];   /* of the last access, and of the last change: seconds, nanoseconds */
};
enum {
  VOLUME_NEW = 1,    /* anonymous: it is made, and its name is a hole */
  VOLUME_OWNED = 2,  /* what is made has this mode, user and group */
  VOLUME_MAPPED = 4, /* which are ids of the container */
  VOLUME_TIMED = 8,  /* and these times */
  VOLUME_PLAIN = 16, /* one that exists must have no options */
  VOLUME_KEPT = 32,  /* one that is empty gets nothing of the image */
};

enum {
  RUN_COMMAND = 1,     /* there is a command after ROOT, which is a hole */
  RUN_LAYER = 2,       /* has a layer of its own: `upper` and `work` */
  RUN_OPEN = 4,        /* its root user is not the caller, and creates files in its folder */
  RUN_DURABLE = 8,     /* its record is to outlast a power failure */
  RUN_INTERACTIVE = 16,
  RUN_TERMINAL = 32,
  RUN_USERNS = 64,     /* it has a user namespace of its own */
  RUN_ANY_NAME = 128,  /* it is for any --name, which is a hole, also of the words */
};

/* In place of a name; of the command: JSON strings, with commas between them; and of the lease of an address: the number of the
 * interface, and the process that has taken it, as JSON. From CODE_PORT on: ports that are chosen; those before it are tabs and ends of lines. */
enum { CODE_NAME = 1, CODE_COMMAND, CODE_ADDRESS, CODE_INDEX, CODE_MAC, CODE_STARTER, CODE_PORT = 14, MOST_PORTS = 8, CODE_END = CODE_PORT + MOST_PORTS };

/* Bytes of the file that are written over in each run. */
struct template_hole {
  u32 offset, kind;
};
enum {
  HOLE_ID,
  HOLE_SHORT_ID, /* its first 12 digits */
  HOLE_TIME,     /* 2026-11-26T20:23:52.000Z */
  HOLE_INDEX,    /* of an interface: s32 */
  HOLE_DEVICE,   /* its name: "v1000000", zeros up to DEVICE_SIZE */
  HOLE_ADDRESS,  /* an IPv4 address in network byte order */
  HOLE_DIGITS,   /* the same as 8 hexadecimal digits, in the words of a program */
  HOLE_POD,      /* the id of its pod */
  HOLE_SHORT_POD,
  HOLE_INFRA,    /* that of the pod's infra container */
  HOLE_SHORT_INFRA,
  HOLE_VOLUME,   /* the name of the first anonymous volume; those of others follow */
  MOST_NEW_VOLUMES = 8,
  HOLE_PORT = HOLE_VOLUME + MOST_NEW_VOLUMES, /* the first port that is chosen, as 4 hexadecimal digits; others follow */
  HOLE_END = HOLE_PORT + MOST_PORTS
};
/* The numbers of the interfaces of containers in the network holder: leases.ts. The kernel counts up for those of each new pasta, and does
 * not get here. */
enum { DEVICE_SIZE = 12, FIRST_INTERFACE = 1000000, INTERFACES = 65536 };

/* The network holder's interfaces for what goes outside: pasta's, and the one at which packets wait until pasta runs (outside.c). */
#define OUTSIDE_DEVICE "outside"
#define WAITING_DEVICE "waiting"
/* In the folder of the networks: why pasta could not be started for the last packet. */
#define OUTSIDE_FAILURE "outside-failure"
enum { WAITING_INDEX = FIRST_INTERFACE - 1 };
enum { PART_WAITING = 1 }; /* of the work of `serve` in which it has failed: src/network/service.ts */

/* A file that was looked at. */
struct template_file {
  u32 root; /* text: the path of a directory that is the root for `path`; empty: none */
  u32 path; /* text */
  u32 kind, unused;
  u64 stamp[5];
};
enum {
  FILE_CONTENT,  /* struct stamp: device, inode, size, times of change */
  FILE_IDENTITY, /* device, inode, mode, user, group */
  FILE_TYPE,     /* its type in the mode; of files of the kernel, whose other numbers mean nothing */
  FILE_TEXT,     /* how many bytes it has, and two hashes of them; of files of the kernel, too */
  FILE_LINK = 4, /* with one of these: of a symbolic link itself */
};

#endif
