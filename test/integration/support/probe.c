/* What the tests run inside a container: `probe WORD [NUMBER]`. Static, so that any root filesystem will do. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

/* State and parent of a process; 0 when there is none of that pid. */
static int look_at(int pid, char *state, int *parent) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return 0;
  text[size] = 0;
  return sscanf(strrchr(text, ')') + 2, "%c %d", state, parent) == 2;
}

static int count_zombies(void) {
  int count = 0;
  DIR *proc = opendir("/proc");
  for (struct dirent *entry; (entry = readdir(proc));) {
    char state = 0;
    int parent = 0;
    if (isdigit((unsigned char)entry->d_name[0]) && look_at(atoi(entry->d_name), &state, &parent)) count += state == 'Z';
  }
  closedir(proc);
  return count;
}

/* Nobody but PID 1 is left to bury the grandchild. */
static void make_orphan(void) {
  pid_t child = fork();
  if (child == 0) {
    fork();
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

/* Samples the number of zombies until the pipe closes, then writes the peak to the other pipe. */
static void sample(int until, int result) {
  int peak = 0, samples = 0;
  fcntl(until, F_SETFL, O_NONBLOCK);
  char byte;
  while (read(until, &byte, 1) < 0) {
    int count = count_zombies();
    if (count > peak) peak = count;
    samples++;
    pause_ms(1);
  }
  int last = count_zombies();
  dprintf(result, "%d %d\n", last > peak ? last : peak, samples);
  _exit(0);
}

/* Prints how long it took, the peak number of zombies, how often that was sampled, and how many are left when either all
 * are buried or all are there, or after a minute. */
static int orphans(int count) {
  int until[2], result[2];
  if (pipe2(until, O_CLOEXEC) || pipe2(result, O_CLOEXEC)) return 1;
  pid_t sampler = fork();
  if (sampler == 0) {
    close(until[1]);
    sample(until[0], result[1]);
  }
  close(until[0]);
  long start = now_ms();
  for (int i = 0; i < count; i++) make_orphan();
  long took = now_ms() - start;
  int left = count_zombies();
  for (int i = 0; i < 6000 && left && left < count; i++, left = count_zombies()) pause_ms(10);
  close(until[1]);
  char line[64] = "";
  if (read(result[0], line, sizeof line - 1) <= 0) return 1;
  waitpid(sampler, NULL, 0);
  int peak = 0, samples = 0;
  sscanf(line, "%d %d", &peak, &samples);
  printf("{\"ms\":%ld,\"peak\":%d,\"samples\":%d,\"left\":%d}\n", took, peak, samples, left);
  return 0;
}

/* A grandchild whose parent is killed: prints who its parent is then, and whether it is buried within `ms` of its death. */
static int generations(int ms) {
  int pids[2], go[2];
  if (pipe2(pids, O_CLOEXEC) || pipe2(go, O_CLOEXEC)) return 1;
  pid_t middle = fork();
  if (middle == 0) {
    pid_t last = fork();
    char byte;
    if (last == 0) {
      close(go[1]);
      _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
    }
    if (write(pids[1], &last, sizeof last) < 0) _exit(1);
    pause();
  }
  close(go[0]);
  pid_t last = 0;
  if (read(pids[0], &last, sizeof last) != sizeof last) return 1;
  kill(middle, SIGKILL);
  waitpid(middle, NULL, 0);
  char state = 0;
  int parent = 0;
  look_at(last, &state, &parent);
  close(go[1]);
  int is_there = 1;
  while (look_at(last, &state, &parent) && state != 'Z') pause_ms(1);
  for (int i = 0; i < ms / 10 && (is_there = kill(last, 0) == 0); i++) pause_ms(10);
  printf("parent %d, %s\n", parent, is_there ? "not buried" : "buried");
  return 0;
}

/* The kernel's own sigset: glibc keeps 32 and 33 to itself. */
static int wait_for_signal(void) {
  unsigned long all = ~0UL;
  for (;;) {
    int signal = (int)syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof all);
    if (signal > 0) return signal;
  }
}

/* Prints `ready`, then each signal that comes, until `count` have come. */
static int signals(int count) {
  unsigned long all = ~0UL;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
  puts("ready");
  fflush(stdout);
  while (count--) {
    printf("got %d\n", wait_for_signal());
    fflush(stdout);
  }
  return 0;
}

static int die(int signal) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  syscall(SYS_tgkill, getpid(), gettid(), signal);
  pause_ms(1000);
  return 99;
}

/* A child that lives for a moment, and has the next one, for ever: no list of processes is ever right. */
static int runaway(int generations_at_once) {
  signal(SIGTERM, SIG_IGN);
  for (int i = 0; i < generations_at_once; i++) {
    if (fork()) continue;
    for (;;) {
      pause_ms(1);
      if (fork()) _exit(0);
    }
  }
  puts("running");
  return 7;
}

static int descriptors(void) {
  for (int fd = 0; fd < 4096; fd++)
    if (fcntl(fd, F_GETFD) >= 0) printf("%d ", fd);
  puts("");
  return 0;
}

static void say(const char *what, long result) { printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done"); }

/* Everything by which a process could get at PID 1. */
static int reach(void) {
  char text[256];
  struct iovec here = {text, 8}, there = {(void *)0x400000, 8};
  say("ptrace", ptrace(PTRACE_SEIZE, 1, 0, 0));
  say("mem", open("/proc/1/mem", O_RDONLY));
  say("environ", open("/proc/1/environ", O_RDONLY) < 0 ? -1 : read(3, text, sizeof text));
  say("maps", open("/proc/1/maps", O_RDONLY));
  say("fd", open("/proc/1/fd/3", O_RDONLY));
  say("exe", readlink("/proc/1/exe", text, sizeof text));
  say("cwd", readlink("/proc/1/cwd", text, sizeof text));
  say("root", readlink("/proc/1/root", text, sizeof text));
  say("process_vm_readv", process_vm_readv(1, &here, 1, &there, 1, 0));
  int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
  say("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 3, 0));
  return 0;
}

/* An orphan that is held by a tracer: its real parent, PID 1, must neither spin nor bury it. */
static int traced(void) {
  int pids[2];
  if (pipe2(pids, O_CLOEXEC)) return 1;
  pid_t middle = fork();
  if (middle == 0) {
    pid_t orphan = fork();
    if (orphan == 0)
      for (;;) pause_ms(1000);
    if (write(pids[1], &orphan, sizeof orphan) < 0) _exit(1);
    _exit(0);
  }
  waitpid(middle, NULL, 0);
  pid_t orphan = 0;
  if (read(pids[0], &orphan, sizeof orphan) != sizeof orphan) return 1;
  if (ptrace(PTRACE_SEIZE, orphan, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, orphan, 0, 0) < 0) return 1;
  waitpid(orphan, NULL, __WALL);
  puts("up");
  fflush(stdout);
  for (;;) pause_ms(1000);
}

/* Orphans, a few every millisecond, until it is killed. */
static _Noreturn void restless(void) {
  puts("up");
  fflush(stdout);
  for (;;) {
    make_orphan();
    pause_ms(1);
  }
}

/* Gives up dying with its parent, which has asked for that. */
static _Noreturn void untied(void) {
  prctl(PR_SET_PDEATHSIG, 0);
  puts("up");
  fflush(stdout);
  for (;;) pause_ms(1000);
}

/* Sends PID 1 a SIGTERM that pretends to come from outside of its PID namespace, where the kernel tells 0 as the sender. */
static int forge(void) {
  siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_QUEUE};
  return syscall(SYS_rt_sigqueueinfo, 1, SIGTERM, &info) != 0;
}

int main(int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  if (!strcmp(word, "orphans")) return orphans(number);
  if (!strcmp(word, "generations")) return generations(number);
  if (!strcmp(word, "signals")) return signals(number);
  if (!strcmp(word, "die")) return die(number);
  if (!strcmp(word, "runaway")) return runaway(number);
  if (!strcmp(word, "descriptors")) return descriptors();
  if (!strcmp(word, "reach")) return reach();
  if (!strcmp(word, "traced")) return traced();
  if (!strcmp(word, "forge")) return forge();
  if (!strcmp(word, "restless")) restless();
  if (!strcmp(word, "untied")) untied();
  return 100;
}
