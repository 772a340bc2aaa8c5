/* Templates, and those that an exec has left in the container's folder: src/container/exec-template.ts. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

enum { STAMP_SIZE = 5, MAX_FAILURES = 64 };

/* Device, inode, size, and the times of the last change of content and of anything. */
void stamp_of(const struct stat *info, u64 to[STAMP_SIZE]) {
  to[0] = info->st_dev, to[1] = info->st_ino, to[2] = (u64)info->st_size;
  to[3] = (u64)info->st_mtime * 1000000000 + info->st_mtime_nsec, to[4] = (u64)info->st_ctime * 1000000000 + info->st_ctime_nsec;
}

/* Zeros if there is no such file. */
static void stamp(int folder, const char *name, u64 to[STAMP_SIZE]) {
  struct stat info;
  for (int i = 0; i < STAMP_SIZE; i++) to[i] = 0;
  if (SYSCALL4(__NR_newfstatat, folder, name, &info, AT_SYMLINK_NOFOLLOW) >= 0) stamp_of(&info, to);
}

static int is_same(const u64 found[STAMP_SIZE], const u64 wanted[STAMP_SIZE]) {
  for (int i = 0; i < STAMP_SIZE; i++)
    if (found[i] != wanted[i]) return 0;
  return 1;
}

static int has_stamp(int folder, const char *name, const u64 wanted[STAMP_SIZE]) {
  u64 found[STAMP_SIZE];
  stamp(folder, name, found);
  return is_same(found, wanted);
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

static int is_plan(const struct template *template, u32 offset, u32 size) {
  return offset % 8 == 0 && size >= sizeof(struct plan) && is_inside(template, offset, size);
}

static int has_blobs(const struct template *template) {
  return is_plan(template, template->plan, template->plan_size) &&
         (!template->health_size || is_plan(template, template->health, template->health_size)) &&
         template->monitor % 8 == 0 && template->monitor_size >= sizeof(struct monitor) &&
         is_inside(template, template->monitor, template->monitor_size) && template->failures % 4 == 0 && template->failure_count <= MAX_FAILURES &&
         is_inside(template, template->failures, 2 * template->failure_count * (u32)sizeof(struct template_failure)) &&
         template_text(template, template->event) && template_text(template, template->path) && template_text(template, template->keys);
}

int is_well_formed(const struct template *template, u32 size) {
  return template->magic == TEMPLATE_MAGIC && template->version == VERSION && template->size == size &&
         (template->kind == TEMPLATE_NONE || has_blobs(template));
}

/* A copy, which may be written to: the file might be cut short while it is used. NULL if there is none that is whole. */
struct template *read_template(int folder, const char *name) {
  int fd = (int)sys_openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  s64 size = fd < 0 ? -1 : own_file_size(fd);
  if (size < (s64)sizeof(struct template) || size > MAX_TEMPLATE) return NULL;
  long at = syscall6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return NULL;
  if (sys_read(fd, (void *)at, (size_t)size) != size) return NULL;
  sys_close(fd);
  struct template *template = (struct template *)at;
  return is_well_formed(template, (u32)size) ? template : NULL;
}

/* Whether foster is what it was. */
int has_programs(const struct template *template, int programs) {
  if (has_stamp(programs, "foster-init", template->init) && has_stamp(programs, "../foster-cli.cjs", template->bundle)) return 1;
  return because("its template was made by another foster", "", "");
}

/* Whether the container is what it was. */
int has_record(int folder, const struct template *template) {
  if (has_stamp(folder, "config.json", template->config) && has_stamp(folder, "cgroups", template->cgroups)) return 1;
  return because("the container has changed since its template was made", "", "");
}

/* Whether the container's files say the same about its users. */
static int has_users(const struct template *template, int pid) {
  char root[48];
  u64 passwd[STAMP_SIZE], group[STAMP_SIZE];
  append(append_number(append(root, "/proc/"), (u64)pid), "/root");
  stamp_below(root, "etc/passwd", passwd);
  stamp_below(root, "etc/group", group);
  if (is_same(passwd, template->passwd) && is_same(group, template->group)) return 1;
  return because("/etc/passwd or /etc/group of the container has changed since its template was made", "", "");
}

/* The template of that kind in a container's folder; NULL if there is none that holds. */
struct template *find_template(const struct target *target, u32 kind, const char *user, int programs) {
  static const char *const names[] = {[TEMPLATE_EXEC] = "exec", [TEMPLATE_EXEC_TERMINAL] = "exec-terminal", [TEMPLATE_EXEC_DETACHED] = "exec-detached",
                                      [TEMPLATE_EXEC_DETACHABLE] = "exec-detachable"};
  char name[64];
  append(append(append(name, names[kind]), user ? "-u" : ""), user ? user : "");
  struct template *template = read_template(target->folder, name);
  if (!template || template->kind != kind || !has_record(target->folder, template) || !has_programs(template, programs)) return NULL;
  return !user || has_users(template, target->pid) ? template : NULL;
}
