/* Finds the container: docs/state.md. What is found is trusted as far as it belongs to the caller and nobody else can write
 * to it, as the rest of the data folder is. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

int is_own(int fd, u32 type, struct stat *info) {
  if (SYSCALL2(__NR_fstat, fd, info) < 0 || (info->st_mode & S_IFMT) != type) return 0;
  return info->st_uid == (u32)SYSCALL0(__NR_geteuid) && !(info->st_mode & 022);
}

/* The size of a file that belongs to the caller alone; -1 for any other. */
s64 own_file_size(int fd) {
  struct stat info;
  return is_own(fd, S_IFREG, &info) ? info.st_size : -1;
}

static int open_folder(int at, const char *path) {
  return (int)sys_openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* `$XDG_DATA_HOME/foster`, or what stands for it. Relative paths do not count. */
int open_data_folder(char **envp) {
  char path[MAX_PATH];
  const char *base = variable(envp, "XDG_DATA_HOME"), *rest = "/foster";
  struct stat info;
  if (!base || *base != '/') base = variable(envp, "HOME"), rest = "/.local/share/foster";
  if (!base || *base != '/' || string_length(base) > MAX_PATH - 64) return -1;
  append(append(path, base), rest);
  int fd = (int)sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return fd >= 0 && is_own(fd, S_IFDIR, &info) ? fd : -1;
}

int is_id(const char *text) {
  int length = 0;
  for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++) length++;
  return length == ID_SIZE && !*text;
}

int is_name(const char *text) {
  if (!*text || string_length(text) > 200) return 0;
  for (; *text; text++) {
    char c = *text;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-')) return 0;
  }
  return 1;
}

static int is_start(const char *start, const char *id) {
  while (*start && *start == *id) start++, id++;
  return !*start;
}

/* The one container whose id begins so. Returns 0 if there is none, or more than one. */
static int find_by_start(int data, const char *start, char id[ID_SIZE + 1]) {
  static char buffer[32 * 1024] __attribute__((aligned(8)));
  int folder = (int)sys_openat(data, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0), found = 0;
  for (long size; folder >= 0 && (size = SYSCALL3(__NR_getdents64, folder, buffer, sizeof buffer)) > 0;) {
    for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->size) {
      const char *name = ((struct entry *)(buffer + at))->name;
      if (is_id(name) && is_start(start, name)) append(id, name), found++;
    }
  }
  if (folder >= 0) sys_close(folder);
  return found == 1;
}

/* What a name is a link to: ../containers/ID. */
int find_by_name(int data, const char *name, char id[ID_SIZE + 1]) {
  char path[256], link[128];
  append(append(path, "names/"), name);
  long size = SYSCALL4(__NR_readlinkat, data, path, link, sizeof link - 1);
  if (size <= ID_SIZE || size == sizeof link - 1) return 0;
  link[size] = 0;
  if (link[size - ID_SIZE - 1] != '/' || !is_id(link + size - ID_SIZE)) return 0;
  return append(id, link + size - ID_SIZE) != NULL;
}

/* An id, a name, or the start of an id. */
static int find_id(int data, const char *reference, char id[ID_SIZE + 1]) {
  if (is_id(reference)) return append(id, reference) != NULL;
  return is_name(reference) && (find_by_name(data, reference, id) || find_by_start(data, reference, id));
}

/* A lock of the open file, without a wait: F_RDLCK or F_WRLCK. */
int lock_file(int fd, short kind) {
  struct flock lock = {.l_type = kind}; /* of the whole file */
  return SYSCALL3(__NR_fcntl, fd, F_OFD_SETLK, &lock) >= 0;
}

int exists(int folder, const char *name) { return SYSCALL4(__NR_faccessat, folder, name, 0, 0) == 0; }

int find_folder(const char *reference, char **envp, struct target *target) {
  char path[ID_SIZE + 16];
  target->data = open_data_folder(envp);
  if (target->data < 0 || !find_id(target->data, reference, target->id)) return because("there is not just one container ", reference, "");
  append(append(path, "containers/"), target->id);
  target->folder = open_folder(target->data, path);
  return target->folder >= 0;
}

/* Returns whether all is found. `programs`: the folder of foster-init. */
int find_container(const struct exec_request *request, char **envp, int programs, struct target *target) {
  u32 in_terminal = is_detachable(&request->process) ? TEMPLATE_EXEC_DETACHABLE : TEMPLATE_EXEC_TERMINAL;
  u32 kind = request->detached ? TEMPLATE_EXEC_DETACHED : request->process.terminal ? in_terminal : TEMPLATE_EXEC;
  if (!find_folder(request->container, envp, target)) return 0;
  if (exists(target->folder, "paused") || exists(target->folder, "exit") || !open_init(target) || is_exiting(target->pid))
    return because("the container is paused, or does not run", "", "");
  target->is_running = 1;
  target->template = find_template(target, kind, request->user, programs);
  return target->template != NULL;
}
