/* The entry of the front. dist/foster, a shell script, executes it for what it may know. */
#include "front.h"
#include "job.h"
#include "../entry-point.h"

#include <asm-generic/errno.h>
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

static sigset callers_signals; /* those that the caller has blocked */
static int is_debugged;        /* foster --debug, of which the rest of the command line is handled as without it */

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

/* The shell script does the same, with the variable that it moves aside. `wish`: what Node is to leave for the next time. */
static _Noreturn void become_node(char **argv, char **envp, const char *wish) {
  static const char certificates[] = "NODE_EXTRA_CA_CERTS";
  char order[128];
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
  append(append(append(order, "FOSTER_FRONT="), is_debugged ? "debug " : ""), wish ? wish : "");
  if (wish || is_debugged) env[count++] = order;
  say_with_node();
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

static int is_terminal(int fd) {
  unsigned short window[4];
  return sys_ioctl(fd, TIOCGWINSZ, window) >= 0;
}

/* What Node would have to explain, or does in its own way. */
static int is_usual(int reads_input, int needs_terminal) {
  for (int fd = 0; fd < 3; fd++)
    if (SYSCALL2(__NR_fcntl, fd, F_GETFD) < 0) return because("a standard stream is closed", "", "");
  if (needs_terminal && !is_terminal(0)) return because("standard input is not a terminal", "", "");
  return !reads_input || !is_directory(0) || because("standard input is a directory", "", "");
}

static const char *front_exec(char **argv, char **envp, int programs) {
  static struct exec_request request;
  static struct target target = {.pid = 0};
  if (variable(envp, "FOSTER_FAULT") || !parse_exec(argv, envp, &request)) return NULL;
  if (!is_usual(request.process.interactive && !request.detached, is_detachable(&request.process))) return NULL;
  int is_found = find_container(&request, envp, programs, &target);
  if (target.is_running && !target.template) because("there is no template yet", "", "");
  if (is_found && has_short_events(target.data)) say_without_node(), run_exec(&request, &target, envp, programs);
  return target.is_running && !target.template ? "template" : NULL;
}

/* Keeps layers from being removed until a container uses them: src/image/store/lock.ts. */
static int lock_images(int data) {
  int file = (int)sys_openat(data, "images.lock", O_RDWR | O_CLOEXEC, 0);
  return file >= 0 && lock_file(file, F_RDLCK);
}

/* "run WORDS KEY": where ROOT is, and the name of the template; maybe followed by " WORD KEY": the index of the word with the
 * container's name, and the name of a template for any. */
static const char *wish_for(const struct run_request *request) {
  static char wish[96];
  char *end = append_key(append(append_number(append(wish, "run "), request->word_count), " "), request->key);
  if (request->name) append_key(append(append_number(append(end, " "), request->name_word), " "), request->nameless_key);
  return wish;
}

/* What Node makes of other bytes is Node's, and so is what it says about a program that it has to quote. */
static int is_repeatable(const struct run_request *request, const struct template *template) {
  if (template->kind == TEMPLATE_NONE) return 0;
  for (char **word = request->process.command; *word; word++)
    if (!is_utf8(*word)) return because("a word is not UTF-8", "", "");
  const char *program = new_program(template, request->process.command);
  return !program || can_quote(program) || because("the program's name has to be quoted", "", "");
}

static const char *front_run(char **argv, char **envp, int programs) {
  static struct run_request request;
  static struct pod pod = NO_POD;
  int data = open_data_folder(envp);
  if (!parse_run(argv, &request)) return NULL;
  begin_faults(envp);
  struct template *template = data >= 0 && lock_images(data) ? find_run_template(data, &request, envp, programs, &pod) : NULL;
  if (!template) return because("there is no template yet for these words", "", ""), wish_for(&request);
  if (template->kind == TEMPLATE_NONE) because("such a run is always Node's", "", "");
  int is_interactive = (run_part(template)->flags & RUN_INTERACTIVE) != 0, is_detached = template->kind == TEMPLATE_RUN_DETACHED;
  int needs_terminal = is_interactive && !is_detached && run_part(template)->flags & RUN_TERMINAL;
  if (!is_repeatable(&request, template) || !is_usual(is_interactive, needs_terminal) || !has_short_events(data)) return NULL;
  say_without_node();
  run_run(&request, template, &pod, data, envp, programs);
  return needs_new_recipe ? wish_for(&request) : NULL;
}

/* Starts one that has been found. */
static const char *start_found(struct start_request *request, struct target *target, char **envp, int programs) {
  static struct pod pod = NO_POD;
  if (!is_usual(request->has_input, 0) || !lock_images(target->data) || !has_short_events(target->data)) return NULL;
  target->template = find_start_template(target->folder, envp, programs);
  if (!target->template) return because("there is no template yet", "", ""), "template";
  if (run_part(target->template)->pod && !find_pod(target->template, target->data, &pod)) return "template";
  say_without_node();
  run_start(request, target, &pod, envp, programs);
  return needs_new_recipe ? "template" : NULL;
}

static const char *front_start(char **argv, char **envp, int programs) {
  static struct start_request request;
  static struct target target = {.pid = 0};
  begin_faults(envp);
  if (!parse_start(argv, &request) || !find_folder(request.container, envp, &target)) return NULL;
  return start_found(&request, &target, envp, programs);
}

/* `foster pod start POD`; everything else about pods is Node's. */
static const char *front_pod(char **argv, char **envp, int programs) {
  int data = open_data_folder(envp);
  begin_faults(envp);
  if (!argv[0] || !string_equal(argv[0], "start") || !argv[1] || *argv[1] == '-' || argv[2]) return because("this command is always Node's", "", ""), NULL;
  if (!is_usual(0, 0) || data < 0 || !lock_images(data) || !has_short_events(data)) return NULL;
  return start_pod(argv[1], envp, programs);
}

/* Signals do what they do with any program; but a broken pipe is an error of write(2), as in Node. */
void take_signals(void) {
  u64 ignore[4] = {1, 0, 0, 0}; /* SIG_IGN, no flags, no restorer, empty mask */
  SYSCALL4(__NR_rt_sigaction, SIGPIPE, ignore, NULL, 8);
  SYSCALL4(__NR_rt_sigprocmask, 2, &callers_signals, NULL, 8);
}

/* Stops one container and starts it again. When the start is Node's, it finds it stopped. */
static const char *front_restart(char **argv, char **envp, int programs) {
  static struct job_request request;
  static struct target target = {.pid = 0};
  static struct record record;
  sigset all = ALL_SIGNALS;
  begin_faults(envp);
  if (!parse_jobs(argv[0], argv + 1, &request) || request.count != 1 || !is_usual(0, 0)) return NULL;
  struct start_request start = {.container = request.references[0], .restarted = &record};
  if (!find_folder(start.container, envp, &target) || !find_start_template(target.folder, envp, programs)) return because("there is no template yet", "", ""), "template";
  if (!read_record(&target, &record) || !do_jobs(&request, argv + 1, envp, programs)) return NULL;
  SYSCALL4(__NR_rt_sigprocmask, 2, &all, NULL, 8);
  return start_found(&start, &target, envp, programs);
}

/* Ends the process if all is done. What is left over is what `argv` has then. */
static void front_jobs(char **argv, char **envp, int programs) {
  static struct job_request request;
  begin_faults(envp);
  if (parse_jobs(argv[0], argv + 1, &request) && is_usual(0, 0) && do_jobs(&request, argv + 1, envp, programs)) sys_exit(0);
}

/* Returns what Node is to leave for the next time, or NULL. */
static const char *do_command(char **argv, char **envp, int programs) {
  if (string_equal(*argv, "exec")) return front_exec(argv + 1, envp, programs);
  if (string_equal(*argv, "start")) return front_start(argv + 1, envp, programs);
  if (string_equal(*argv, "run")) return front_run(argv + 1, envp, programs);
  if (string_equal(*argv, "restart")) return front_restart(argv, envp, programs);
  if (string_equal(*argv, "pod")) return front_pod(argv + 1, envp, programs);
  return front_jobs(argv, envp, programs), NULL;
}

static _Noreturn void front(int argc, char **argv, char **envp) {
  const char *wish = NULL;
  char folder[MAX_PATH];
  sigset all = ALL_SIGNALS;
  SYSCALL4(__NR_rt_sigprocmask, 2, &all, &callers_signals, 8);
  if (argc > 1 && (string_equal(argv[1], "--debug") || string_equal(argv[1], "-D"))) {
    is_debugged = 1, ask_why();
    argv[1] = argv[0], argv++, argc--;
  }
  int programs = argc > 1 && own_folder(folder) ? (int)sys_openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0) : -1;
  if (programs >= 0) wish = do_command(argv + 1, envp, programs);
  become_node(argv, envp, wish); /* all that is open is closed by then: O_CLOEXEC */
}

__attribute__((used)) _Noreturn void start(long *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  front(argc, argv, argv + argc + 1);
}
