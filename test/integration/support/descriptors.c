/* Watches a PID 1 of foster's that has not begun, from outside: `descriptors PID`. At every system call of it and of the
 * process that it starts, from that process's start until its program runs, prints each descriptor that it has not
 * printed before: who (1 or 2), number, what it leads to, device. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char seen[65536];

static void look(int who, pid_t pid) {
  char folder[64];
  snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char path[384], target[256] = "", line[600];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    struct stat info = {0};
    stat(path, &info);
    if (readlink(path, target, sizeof target - 1) < 0) continue;
    snprintf(line, sizeof line, "%d %s %s %u:%u\n", who, entry->d_name, target, major(info.st_dev), minor(info.st_dev));
    if (strstr(seen, line) || strlen(seen) + strlen(line) >= sizeof seen) continue;
    strcat(seen, line);
    fputs(line, stdout);
  }
  closedir(dir);
}

int main(int argc, char **argv) {
  pid_t first = argc > 1 ? atoi(argv[1]) : 0, second = 0;
  if (ptrace(PTRACE_SEIZE, first, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD) < 0) return 2;
  ptrace(PTRACE_INTERRUPT, first, 0, 0);
  puts("watching");
  fflush(stdout);
  int status, stops = 0, is_executed = 0;
  for (pid_t pid; !is_executed && (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) continue;
    int event = status >> 16, signal = WSTOPSIG(status);
    if (pid != first) second = pid; /* it may stop before its parent is heard of having started it */
    if (second) stops++, look(1, first), look(2, second);
    if (event == PTRACE_EVENT_EXEC && pid == second) is_executed = 1;
    int is_signal = !event && signal != (SIGTRAP | 0x80);
    if (!is_executed) ptrace(PTRACE_SYSCALL, pid, 0, is_signal ? signal : 0);
  }
  printf("%s after %d stops\n", is_executed ? "executed" : "lost", stops);
  return 0; /* which lets both go on */
}
