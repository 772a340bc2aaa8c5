/* stopwatch ROUNDS PROGRAM [ARG...] [::: PROGRAM [ARG...]]...
 *
 * Runs each command in turn, ROUNDS times, with nothing on its standard streams. Prints a line for each run: which
 * command (from 0), how long it took in ns from before the fork until it was waited for, and its exit status. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void measure(int index, char **command, const posix_spawn_file_actions_t *actions) {
  pid_t pid;
  int status = 0;
  long long start = now();
  int error = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
  if (error) {
    fprintf(stderr, "stopwatch: %s: %s\n", command[0], strerror(error));
    exit(1);
  }
  waitpid(pid, &status, 0);
  printf("%d %lld %d\n", index, now() - start, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  char **commands[64] = {argv + 2};
  int count = 1;
  for (int i = 3; i < argc; i++)
    if (!strcmp(argv[i], ":::") && count < 64) argv[i] = NULL, commands[count++] = argv + i + 1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  for (int round = 0; round < atoi(argv[1]); round++)
    for (int i = 0; i < count; i++) measure(i, commands[i], &actions);
  return 0;
}
