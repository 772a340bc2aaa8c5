/* orphans made COUNT | orphans burst COUNT
 *
 * Creates orphans, and prints the time in ns until PID 1 had reaped the last one.
 *   made   one after the other, as fast as possible, each exits at once: from the first fork
 *   burst  all of them live, then all exit at once: from the moment when they are told to exit
 *
 * Looking for processes that are left holds up those that exit. So while they exit, we sleep: a pipe closes with the last of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* A child makes the orphan and exits. */
static void make_orphan(const int *until_closed) {
  pid_t middle = fork();
  if (middle < 0) fail("fork");
  if (middle == 0) {
    pid_t orphan = fork();
    if (orphan == 0 && until_closed) {
      char byte;
      close(until_closed[1]);
      if (read(until_closed[0], &byte, 1) < 0) _exit(1);
    }
    _exit(orphan < 0);
  }
  int status;
  if (waitpid(middle, &status, 0) != middle || status) fail("orphan");
}

/* kill(2) of everyone but PID 1 and ourselves finds zombies too. */
static void await_nobody(void) {
  struct timespec pause = {0, 100000};
  while (kill(-1, 0) == 0 || errno != ESRCH) nanosleep(&pause, NULL);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int count = atoi(argv[2]), is_burst = !strcmp(argv[1], "burst");
  int ends[2], alive[2];
  if (pipe(ends) || pipe(alive)) fail("pipe");
  long long start = now();
  for (int i = 0; i < count; i++) make_orphan(is_burst ? ends : NULL);
  if (is_burst) {
    start = now();
    close(ends[1]);
  }
  char byte;
  close(alive[1]);
  if (read(alive[0], &byte, 1) < 0) fail("read");
  await_nobody();
  printf("%lld\n", now() - start);
  return 0;
}
