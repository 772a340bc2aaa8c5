/* The entry of the front. dist/foster, a shell script, executes it for what it may know. */
#include "front.h"
#include "../entry-point.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

static sigset callers_signals; /* those that the caller has blocked */

/* The folder of this program: dist/ARCH. Returns 0 if it is not known. */
static int own_folder(char folder[MAX_PATH]) {
  long size = SYSCALL4(__NR_readlinkat, AT_FDCWD, "/proc/self/exe", folder, MAX_PATH - 1);
  while (size > 0 && folder[size - 1] != '/') size--;
  if (size < 2) return 0;
  folder[size - 1] = 0;
  return 1;
}

/* As execvp(3). */
static void execute(const char *name, char **argv, char **envp) {
  const char *path = variable(envp, "PATH");
  if (!path) path = "/usr/local/bin:/usr/bin:/bin";
  while (*path) {
    char file[MAX_PATH + 64], *end = file;
    while (*path && *path != ':' && end < file + MAX_PATH - 1) *end++ = *path++;
    *end = 0;
    append(append(end, end == file ? "./" : "/"), name);
    SYSCALL3(__NR_execve, file, argv, envp);
    while (*path && *path != ':') path++;
    if (*path) path++;
  }
}

/* The shell script does the same, with the variable that it moves aside. `wants_template`: Node leaves one. */
static _Noreturn void become_node(char **argv, char **envp, int wants_template) {
  static const char certificates[] = "NODE_EXTRA_CA_CERTS", wish[] = "FOSTER_FRONT=template";
  char folder[MAX_PATH + 16];
  u32 words = count_of(argv), variables = count_of(envp), count = 0;
  size_t size = (words + variables + 8) * sizeof(char *) + MAX_PATH + sizeof certificates + 16;
  const char *own = variable(envp, certificates);
  if (own) size += string_length(own);
  long at = syscall6(__NR_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!own_folder(folder) || (at < 0 && at > -4096)) sys_exit(125);
  append(folder + string_length(folder), "/../foster");
  char **node = (char **)at, **env = node + words + 4, *text = (char *)(env + variables + 3);
  node[count++] = (char *)"node", node[count++] = (char *)"--", node[count++] = folder;
  for (u32 i = 1; i < words; i++) node[count++] = argv[i];
  count = 0;
  for (; *envp; envp++) {
    if (own && *envp == own - sizeof certificates) {
      append(append(append(append(text, "FOSTER_"), certificates), "="), own);
      env[count++] = text;
    } else {
      env[count++] = *envp;
    }
  }
  if (wants_template) env[count++] = (char *)wish;
  SYSCALL4(__NR_rt_sigprocmask, 2, &callers_signals, NULL, 8);
  execute("node", node, env);
  static const char message[] = "foster: cannot find node in PATH; install Node.js 20 or later\n";
  sys_write(2, message, sizeof message - 1);
  sys_exit(127);
}

static int is_directory(int fd) {
  struct stat info;
  return SYSCALL2(__NR_fstat, fd, &info) == 0 && (info.st_mode & S_IFMT) == S_IFDIR;
}

/* What Node would have to explain, or does in its own way. */
static int is_usual(const struct exec_request *request, char **envp) {
  for (int fd = 0; fd < 3; fd++)
    if (SYSCALL2(__NR_fcntl, fd, F_GETFD) < 0) return 0;
  if (request->interactive && !request->detached && is_directory(0)) return 0;
  return !variable(envp, "FOSTER_FAULT");
}

static _Noreturn void front(int argc, char **argv, char **envp) {
  static struct exec_request request;
  static struct target target = {.pid = 0};
  char folder[MAX_PATH];
  sigset all = ALL_SIGNALS;
  int programs = -1;
  SYSCALL4(__NR_rt_sigprocmask, 2, &all, &callers_signals, 8);
  if (argc > 1 && string_equal(argv[1], "exec") && parse_exec(argv + 2, envp, &request) && is_usual(&request, envp) && own_folder(folder))
    programs = (int)sys_openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (programs >= 0 && find_container(&request, envp, programs, &target)) run_exec(&request, &target, envp, programs);
  become_node(argv, envp, target.is_running && !target.template); /* all that is open is closed by then: O_CLOEXEC */
}

__attribute__((used)) _Noreturn void start(long *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  front(argc, argv, argv + argc + 1);
}
