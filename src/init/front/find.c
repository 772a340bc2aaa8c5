/* Finds the container: docs/state.md. What is found is trusted as far as it belongs to the caller and nobody else can write
 * to it, as the rest of the data folder is. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

enum { STAMP_SIZE = 5 };

static int is_own(int fd, int type, struct stat *info) {
  if (SYSCALL2(__NR_fstat, fd, info) < 0 || (info->st_mode & S_IFMT) != (u32)type) return 0;
  return info->st_uid == (u32)SYSCALL0(__NR_geteuid) && !(info->st_mode & 022);
}

static int open_folder(int at, const char *path) {
  return (int)sys_openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* `$XDG_DATA_HOME/foster`, or what stands for it. Relative paths do not count. */
static int open_data_folder(char **envp) {
  char path[MAX_PATH];
  const char *base = variable(envp, "XDG_DATA_HOME"), *rest = "/foster";
  struct stat info;
  if (!base || *base != '/') base = variable(envp, "HOME"), rest = "/.local/share/foster";
  if (!base || *base != '/' || string_length(base) > MAX_PATH - 64) return -1;
  append(append(path, base), rest);
  int fd = (int)sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return fd >= 0 && is_own(fd, S_IFDIR, &info) ? fd : -1;
}

static int is_id(const char *text) {
  int length = 0;
  for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++) length++;
  return length == ID_SIZE && !*text;
}

static int is_name(const char *text) {
  if (!*text || string_length(text) > 200) return 0;
  for (; *text; text++) {
    char c = *text;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-')) return 0;
  }
  return 1;
}

/* An id, or a name: a link to ../containers/ID. The start of an id is left to Node. */
static int find_id(int data, const char *reference, char id[ID_SIZE + 1]) {
  char path[256], link[128];
  if (is_id(reference)) return append(id, reference) != NULL;
  if (!is_name(reference)) return 0;
  append(append(path, "names/"), reference);
  long size = SYSCALL4(__NR_readlinkat, data, path, link, sizeof link - 1);
  if (size <= ID_SIZE || size == sizeof link - 1) return 0;
  link[size] = 0;
  if (link[size - ID_SIZE - 1] != '/' || !is_id(link + size - ID_SIZE)) return 0;
  return append(id, link + size - ID_SIZE) != NULL;
}

/* Device, inode, size, and the times of the last change of content and of anything; zeros if there is no such file. */
static void stamp(int folder, const char *name, u64 to[STAMP_SIZE]) {
  struct stat info;
  for (int i = 0; i < STAMP_SIZE; i++) to[i] = 0;
  if (SYSCALL4(__NR_newfstatat, folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return;
  to[0] = info.st_dev, to[1] = info.st_ino, to[2] = (u64)info.st_size;
  to[3] = (u64)info.st_mtime * 1000000000 + info.st_mtime_nsec, to[4] = (u64)info.st_ctime * 1000000000 + info.st_ctime_nsec;
}

static int has_stamp(int folder, const char *name, const u64 wanted[STAMP_SIZE]) {
  u64 found[STAMP_SIZE];
  stamp(folder, name, found);
  for (int i = 0; i < STAMP_SIZE; i++)
    if (found[i] != wanted[i]) return 0;
  return 1;
}

int is_inside(const struct template *template, u32 offset, u32 size) {
  return offset <= template->size && size <= template->size - offset;
}

/* NULL if the text does not end within the template. */
const char *template_text(const struct template *template, u32 offset) {
  const char *text = (const char *)template;
  for (u32 at = offset; at < template->size; at++)
    if (!text[at]) return text + offset;
  return NULL;
}

static int is_well_formed(const struct template *template, u32 size, u32 kind) {
  return template->magic == TEMPLATE_MAGIC && template->version == VERSION && template->size == size && template->kind == kind &&
         template->plan % 8 == 0 && template->plan_size >= sizeof(struct plan) && is_inside(template, template->plan, template->plan_size) &&
         template->monitor % 8 == 0 && template->monitor_size >= sizeof(struct monitor) &&
         is_inside(template, template->monitor, template->monitor_size) && template->failures % 4 == 0 && template->failure_count <= 64 &&
         is_inside(template, template->failures, 2 * template->failure_count * (u32)sizeof(struct template_failure)) &&
         template_text(template, template->event) && template_text(template, template->path);
}

static const struct template *map_template(int folder, const char *name, u32 kind) {
  struct stat info;
  int fd = (int)sys_openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0 || !is_own(fd, S_IFREG, &info) || info.st_size < (long)sizeof(struct template) || info.st_size > MAX_TEMPLATE) return NULL;
  /* A copy: the file might be cut short while it is used. */
  long at = syscall6(__NR_mmap, 0, info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return NULL;
  if (sys_read(fd, (void *)at, (size_t)info.st_size) != info.st_size) return NULL;
  sys_close(fd);
  const struct template *template = (const struct template *)at;
  return is_well_formed(template, (u32)info.st_size, kind) ? template : NULL;
}

/* Whether the files that it was made from are what they were. */
static int holds(const struct template *template, int folder, int programs) {
  return has_stamp(folder, "config.json", template->config) && has_stamp(folder, "cgroups", template->cgroups) &&
         has_stamp(programs, "foster-init", template->init) && has_stamp(programs, "../foster-cli.cjs", template->bundle);
}

static int exists(int folder, const char *name) { return SYSCALL4(__NR_faccessat, folder, name, 0, 0) == 0; }

/* Whether the process of that pid is the one that `live` has. Its pidfd is open by now, so the pid is not used again. */
static int is_alive(int pid, const char *wanted) {
  char buffer[PROCESS_STAT_SIZE], state[STAT_FIELD_SIZE], flags[STAT_FIELD_SIZE], start[STAT_FIELD_SIZE];
  const char *stat = read_process_stat(pid, buffer);
  enum { PF_EXITING = 4 };
  if (!stat) return 0;
  copy_stat_field(stat, STAT_STATE, state);
  copy_stat_field(stat, STAT_FLAGS, flags);
  copy_stat_field(stat, STAT_START, start);
  return *state != 'Z' && !(read_number(flags) & PF_EXITING) && string_equal(start, wanted);
}

/* The file `live` is "PID PIDSTART MONITOR ...". */
static int open_init(struct target *target) {
  char live[160], *start = live;
  int fd = (int)sys_openat(target->folder, "live", O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  long size = fd < 0 ? 0 : sys_read(fd, live, sizeof live - 1);
  if (size <= 0) return 0;
  sys_close(fd);
  live[size] = 0;
  while (*start && *start != ' ') start++;
  if (!*start || start - live > 9) return 0;
  char *end = ++start;
  while (*end && *end != ' ') end++;
  if (!*end) return 0;
  *end = 0;
  target->pid = (int)read_number(live);
  if (target->pid <= 0) return 0;
  target->pidfd = (int)SYSCALL2(__NR_pidfd_open, target->pid, 0);
  return target->pidfd >= 0 && is_alive(target->pid, start);
}

/* Returns whether all is found. `programs`: the folder of foster-init. */
int find_container(const struct exec_request *request, char **envp, int programs, struct target *target) {
  static const char *const names[] = {NULL, "exec", "exec-terminal", "exec-detached"};
  u32 kind = request->detached ? TEMPLATE_EXEC_DETACHED : request->terminal ? TEMPLATE_EXEC_TERMINAL : TEMPLATE_EXEC;
  char id[ID_SIZE + 1], path[ID_SIZE + 16];
  target->data = open_data_folder(envp);
  if (target->data < 0 || !find_id(target->data, request->container, id)) return 0;
  append(append(path, "containers/"), id);
  target->folder = open_folder(target->data, path);
  if (target->folder < 0 || exists(target->folder, "paused") || exists(target->folder, "exit") || !open_init(target)) return 0;
  target->is_running = 1;
  const struct template *template = map_template(target->folder, names[kind], kind);
  if (template && holds(template, target->folder, programs)) target->template = template;
  return target->template != NULL;
}
