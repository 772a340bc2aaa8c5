/* What TypeScript sends to foster-init, and what it hears back. The encoder is wire.ts, beside this file: change both
 * together, and VERSION with them. All numbers are the machine's own byte order; offsets count from the start of the
 * blob that holds them. */
#ifndef FOSTER_WIRE_H
#define FOSTER_WIRE_H

#include "sys.h"

#define MAGIC 0x74736f66 /* "fost" */
#define VERSION 5

/* Descriptors by convention, in every mode. */
enum { FD_CONTROL = 3, FD_BLOB = 4 };

struct plan {
  u32 magic, version, size, flags;
  u32 steps;         /* offset of struct step[init_steps + process_steps] */
  u32 init_steps;    /* run by PID 1 */
  u32 process_steps; /* run by the user's process, before it executes its program */
  u32 relocations;   /* offset of u32[relocation_count]: where the blob holds an offset that must become a pointer */
  u32 relocation_count;
  u32 programs; /* offset of a NULL-terminated pointer array: paths to try, in order, as execvp(3) does */
  u32 argv, envp;
  u32 grace_ms; /* between TERM and KILL for those who outlive the user's process */
};

enum {
  PLAN_SHIM = 1,   /* stay as the reaper; else the user's process takes this process's place */
  PLAN_TRACE = 2,  /* report every step, not only the one that fails */
  PLAN_VERBOSE = 4,/* report every adoption and reaping */
  PLAN_GROUP = 8,  /* forward signals to the process group of the user's process */
  PLAN_COUNTS = 32, /* report each orphan when it is reaped, and how many there were */
  PLAN_SHARED = 16  /* not PID 1 of a namespace of its own: kill(-1) would hit strangers */
};

/* A system call. An argument is a number, a pointer into the blob, or the s32 that an earlier step has stored. */
enum { ARG_NUMBER = 0, ARG_POINTER = 1, ARG_STORED = 2 };

struct step {
  u32 number; /* of the system call, or one of STEP_* */
  u32 kinds;  /* two bits an argument, the first lowest */
  u64 arguments[6];
  u32 store;    /* offset where the result goes as s32; 0: nowhere */
  u8 ignore[4]; /* errno values that do not count as failure; 0 fills */
};

enum {
  STEP_AWAIT = 0x10000, /* wait until the parent says that the id maps are written */
  STEP_REFORK,          /* go on in a new process (a child of our parent): setns(2) moves only children into a PID namespace */
  STEP_ORPHAN, /* go on in a new process, without this one: a child of PID 1 then */
  STEP_FILE_SYSTEM, /* descriptor, magic number of statfs(2): -EXDEV where the file is on another kind of file system */
  STEP_NOT_ON, /* two descriptors: -EXDEV where both are on the same file system */
};

/* Parent -> foster-init: single bytes. */
enum { WORD_RESUME = 'R', WORD_START = 'S' };

/* Values of signals sent to PID 1 by sigqueue(3): for the process group of the user's process; for PID 1 alone. */
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
  REPORT_READY,       /* all that is left is to execute the user's program; waits for WORD_START */
  REPORT_EXEC_FAILED, /* value: errno */
  REPORT_REFORKED,    /* value: the pid that goes on */
  REPORT_EXECUTED,    /* the user's program runs */
  REPORT_STARTED,     /* from a monitor that starts PID 1 itself. value: its pid */
  REPORT_ADOPTED,     /* value: pid, name: its command */
  REPORT_REAPED,      /* value: pid, extra: wait status, index: ms since the adoption was seen, name: its command */
  REPORT_STOPPED,     /* the user's process has stopped; value: by which signal */
  REPORT_COUNTS,      /* value: orphans adopted, extra: orphans reaped, since the start */
  REPORT_HANDED,      /* from a monitor that starts PID 1 itself. index: of a host step, value: HANDED_TOP_ONLY or _PLAIN */
};

#define NO_STEP 0xffffffffu
/* What failed that is no step of the plan: the clone of PID 1, the note that it runs, or HOST_STEP and the number of a host
 * step. */
#define CLONE_STEP 0xfffffffeu
#define STATE_STEP 0xfffffffcu
#define HOST_STEP 0xffff0000u

/* A program to start, or to become: program.c. Addresses are those of the process that starts it. */
struct program {
  u64 path; /* address of a text: looked up below `file`; empty: `file` itself is executed */
  u64 argv, envp, descriptors; /* addresses of pointer arrays up to a NULL, and of s32[descriptor_count] */
  s32 file; /* descriptor, or AT_FDCWD */
  s32 descriptor_count; /* descriptors[i] becomes i; -1 leaves i closed, and all others are closed. Written over */
  s32 is_privileged; /* keep the capabilities that a new user namespace gives: capabilities(7), "ambient" */
  s32 parent_death_signal;
  s32 error; /* errno of a child that could not execute the program */
};
enum { MAX_DESCRIPTORS = 1024 /* of one program; what a process may have open besides is the kernel's to say */ };

/* What is done from outside for PID 1, or for another new process, by whoever has started it: launcher.c. */
struct host_step {
  u32 kind;
  u32 words; /* offset of NUL-terminated texts, one after the other */
  u32 count; /* of the words */
  u32 detail;
  s32 result; /* written when the step is done: the pid of a program that goes on, or one of HANDED_* */
};

enum {
  HOST_WRITE = 1, /* words: a file below /proc/PID, and what is written to it */
  HOST_RUN,    /* words: path, arguments; detail: which of them PID stands for, 0 for none. Must end with 0; runs beside
                  those that follow it directly */
  HOST_START,  /* words: arguments of foster-init, which becomes a program that goes on, at the latest until the container
                  has ended; detail: how many ms it then gets to end by itself */
  HOST_RESUME, /* lets PID 1 go on, where it waits for WORD_RESUME */
  HOST_HAND,   /* words: a path; detail: HAND_*. A mount of it, ids shifted as in PID 1's user namespace, is sent to PID 1 */
};
enum { MAX_MAP_LINES = 340 /* user_namespaces(7) */, MAX_HOST_WORDS = 3 * MAX_MAP_LINES + 4, MAX_LAYERS = 500 };

enum {
  HAND_DEEP = 1,    /* with all that is mounted below */
  HAND_DEVICES = 2, /* devices on it can be used */
  HAND_NEEDED = 4,  /* without a shift of ids it is of no use */
};
/* What became of one: all of it is shifted, only the mount itself, or nothing. */
enum { HANDED_WHOLE, HANDED_TOP_ONLY, HANDED_PLAIN };

/* Host steps, for whom they are done, and what became of them. */
struct host {
  u64 blob; /* address of what offsets count in */
  u32 size; /* of the blob */
  u32 steps, count; /* offset of struct host_step[count] */
  s32 pid; /* the process for which they are done; 0: none, the steps do not concern one */
  s32 pidfd; /* of it; -1: none */
  s32 control; /* leads to it; -1: nowhere */
  s32 users; /* the user namespace by which ids are shifted */
  s32 output; /* takes what programs say on stderr; -1: nothing does */
  s32 init; /* foster-init; -1: that is what we are */
  s32 starter; /* leads to who wants the steps done: when it is gone, a wait ends; -1: nobody does */
  u32 failed; /* the number of the step that has failed */
  s32 error; /* errno; 0: a program has ended otherwise than it should */
  s32 detail; /* its wait status; of HOST_START: which part has failed, as foster-init counts them; -1: not known */
};

/* Parts of a HOST_START of "storage": storage.c. */
enum { STORAGE_JOIN, STORAGE_DEVICE, STORAGE_FOLDER, STORAGE_MOUNT, STORAGE_VIEW, STORAGE_LAYER, STORAGE_PROGRAM };

/* Descriptors of the monitor mode, beside FD_CONTROL and FD_BLOB. Those from FD_PLAN on are of a monitor that starts
 * its container itself: there FD_CONTROL leads to the foster command that waits for the start. */
enum {
  FD_PIDFD = 5,
  FD_CONSOLE,
  FD_DIRECTORY, /* the container's folder */
  FD_USERNS, /* the user namespace of the container; of one that joins another, that one's */
  FD_LOCK,
  FD_MONITOR_END,
  FD_PLAN = FD_MONITOR_END,
  FD_EVENTS,
  FD_JOINED, /* a pidfd of the container whose PID namespace is shared */
  FD_HEALTH, /* the plan of the health check */
  FD_HOST_OUTPUT, /* takes what the programs of host steps say on stderr */
  FD_INPUT,       /* our ends of the pipes that a container without a terminal has for 0, 1 and 2 */
  FD_OUTPUT,
  FD_ERROR,
  FD_SUPERVISOR_END,
};

/* Where a plan finds them. */
enum { PLAN_FD_CONSOLE = 5, PLAN_FD_JOIN = 8 };

/* Descriptors of foster-init when it becomes another program in the user namespace of a container (enter.c): a pidfd of a
 * process there, and the program. Those below are the program's. */
enum { FD_ENTERED = 7, FD_PROGRAM };

struct monitor {
  u32 magic, version, size, flags;
  s32 pid;          /* PID 1 of the container, as we see it; 0: to be started by the monitor */
  u32 remove;       /* offset of NUL-terminated paths, the last one empty: removed when all is over */
  u32 failures;     /* offset of struct failure[failure_count] */
  u32 failure_count;
  u32 subject;      /* offset of " ID NAME", for events; an empty text where there are none */
  u32 clone_flags;
  u32 log_max_size;    /* KiB; 0: no limit */
  u32 log_max_files;
  u32 health_interval, health_timeout, health_start_period; /* ms */
  u32 health_retries;
  u32 host_steps; /* offset of struct host_step[host_step_count]: done, where there is a `pid`, or to be done by the monitor */
  u32 host_step_count;
};

enum {
  MONITOR_TERMINAL = 1,    /* a pseudo-terminal's master comes over FD_CONSOLE */
  MONITOR_INTERACTIVE = 2, /* stdin goes to it */
  MONITOR_REMOVE = 4,
  MONITOR_USERNS = 8,
  MONITOR_VERBOSE = 16,
  MONITOR_SHIM = 32,
  MONITOR_STATELESS = 64,  /* of a process that joined a container: its end is not the container's */
  MONITOR_HEALTH = 128,
  MONITOR_JOINS = 256,
  MONITOR_UNLOGGED = 1024, /* what it says is kept nowhere */
};

/* Messages between a detached container's monitor and those attached to it: a byte that says which, then the rest. */
enum {
  ATTACH_OUTPUT = 'o',
  ATTACH_ERROR = 'e',
  ATTACH_INPUT = 'i',  /* the next one only after ATTACH_TAKEN, so that what else is said is not held up by it */
  ATTACH_TAKEN = 't',
  ATTACH_INPUT_END = 'c',
  ATTACH_WINDOW = 'w', /* u16 rows, u16 columns */
  ATTACH_SIGNAL = 's', /* u8, then u8: to the process group */
  ATTACH_ALL = 'a',    /* this one wants all output, whatever time that takes */
  ATTACH_EXIT = 'x',   /* u8 exit code */
  ATTACH_OWNER = 'm',  /* as ATTACH_ALL; and the container ends when this one is gone without ATTACH_DETACH */
  ATTACH_DETACH = 'd',
  ATTACH_STOPPED = 'z' /* to the owner: the user's process has stopped */
};
enum { ATTACH_CHUNK = 16384 };

/* What to say, and which code to exit with, when the user's program could not be executed. */
struct failure {
  s32 error; /* errno; 0 matches any */
  s32 exit_code;
  u32 text;
};

#endif
