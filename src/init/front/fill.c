/* Fills the holes of a template: copies a blob, and appends what is new in it. foster-init checks the result before it uses
 * it, as it checks every blob (check.c). */
#include "front.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>

#ifdef FOSTER_FUZZ
enum { ROOM = 4096 }; /* is soon full */
#else
enum { ROOM = 8 << 20 }; /* more than execve(2) takes */
#endif
enum { MAX_VARIABLES = 4096 };

/* A blob that grows at its end; its memory is used only as far as it is written to. */
struct builder {
  char *data;
  u32 size;
  int is_full;
};

static struct builder copy_blob(const struct template *template, u32 offset, u32 size) {
  long at = syscall6(__NR_mmap, 0, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  /* A byte more, so that every text in it ends before what is appended. */
  struct builder builder = {.data = (char *)at, .size = size + 1, .is_full = at < 0 && at > -4096};
  if (size >= ROOM) builder.is_full = 1;
  if (!builder.is_full) memcpy(builder.data, (const char *)template + offset, size);
  return builder;
}

/* Adds `size` zero bytes, aligned to 8. Returns their offset; 0 if there is no room. */
static u32 reserve(struct builder *builder, u64 size) {
  u32 at = (builder->size + 7) & ~7u;
  if (builder->is_full || size > ROOM || at > ROOM - size) return builder->is_full = 1, 0;
  builder->size = at + (u32)size;
  return at;
}

/* Up to three texts, one after the other, as one. */
static u32 put_text(struct builder *builder, const char *a, const char *b, const char *c) {
  u32 at = reserve(builder, (u64)string_length(a) + string_length(b) + string_length(c) + 1);
  if (at) append(append(append(builder->data + at, a), b), c);
  return at;
}

static void put_pointer(struct builder *builder, u32 array, u32 index, u32 target) {
  u64 value = target;
  if (!builder->is_full) memcpy(builder->data + array + 8 * index, &value, sizeof value);
}

u32 count_of(char **list) {
  u32 count = 0;
  while (list[count]) count++;
  return count;
}

static u32 put_list(struct builder *builder, char **list, u32 count) {
  u32 array = reserve(builder, 8 * ((u64)count + 1));
  for (u32 i = 0; i < count; i++) put_pointer(builder, array, i, put_text(builder, list[i], "", ""));
  return array;
}

static int has_slash(const char *text) {
  while (*text && *text != '/') text++;
  return *text == '/';
}

/* The paths where execvp(3) would look: in each directory of PATH. */
static u32 put_programs(struct builder *builder, const char *path, char *program, u32 *count) {
  if (has_slash(program)) return put_list(builder, &program, *count = 1);
  u32 total = 1;
  for (const char *c = path; *c; c++) total += *c == ':';
  u32 array = reserve(builder, 8 * ((u64)total + 1));
  for (u32 i = 0; i < total; i++) {
    char directory[MAX_PATH];
    u32 length = 0;
    while (*path && *path != ':' && length < MAX_PATH - 1) directory[length++] = *path++;
    if (*path++ && path[-1] != ':') builder->is_full = 1; /* longer than any path */
    directory[length] = 0;
    put_pointer(builder, array, i, put_text(builder, length ? directory : ".", "/", program));
  }
  *count = total;
  return array;
}

static int is_same_variable(const char *a, const char *b) {
  while (*a && *a == *b && *a != '=') a++, b++;
  return *a == '=' && *b == '=';
}

/* The container's environment, in which a name keeps its place and takes the last value it is given. */
static u32 put_environment(struct builder *builder, u32 envp, const char **overrides, u32 override_count, u32 *count) {
  static char *variables[MAX_VARIABLES];
  *count = 0;
  for (u64 at, offset = envp; offset % 8 == 0 && offset + 8 <= builder->size; offset += 8) {
    memcpy(&at, builder->data + offset, sizeof at);
    if (!at) break;
    if (at >= builder->size || *count == MAX_VARIABLES) return builder->is_full = 1, 0;
    variables[(*count)++] = builder->data + at;
  }
  for (u32 i = 0; i < override_count; i++) {
    u32 place = 0;
    while (place < *count && !is_same_variable(variables[place], overrides[i])) place++;
    if (place == MAX_VARIABLES) return builder->is_full = 1, 0;
    variables[place] = (char *)overrides[i];
    if (place == *count) ++*count;
  }
  return put_list(builder, variables, *count);
}

/* An anonymous file that nobody can change any more. Returns -errno if there cannot be one. */
int memory_file(const char *name, const void *data, size_t size, int is_program) {
  enum { NO_EXEC = 8, EXEC = 16, EVERYTHING = 15 /* seals */, ADD_SEALS = 1033 };
  u32 kind = is_program ? EXEC : NO_EXEC;
  long fd = SYSCALL2(__NR_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);
  if (fd == -EINVAL) fd = SYSCALL2(__NR_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING); /* before Linux 6.3 */
  for (size_t at = 0; fd >= 0 && at < size;) {
    long wrote = sys_write((int)fd, (const char *)data + at, size - at);
    if (wrote <= 0) return sys_close((int)fd), -EIO;
    at += (size_t)wrote;
  }
  if (fd >= 0 && is_program && SYSCALL3(__NR_fcntl, fd, ADD_SEALS, EVERYTHING) < 0) return sys_close((int)fd), -EIO;
  return (int)fd;
}

static int finish(const struct builder *builder, const char *name) {
  return builder->is_full ? -1 : memory_file(name, builder->data, builder->size, 0);
}

/* The argument is the offset of a text, as it is encoded. */
static void put_directory(struct builder *builder, u32 argument, u32 plan_size, const char *directory) {
  u32 text = put_text(builder, directory, "", "");
  if (argument % 8 || argument > plan_size - sizeof(u64)) builder->is_full = 1;
  put_pointer(builder, argument, 0, text);
}

/* All of the new arrays have to become pointers, as those have that are there already. */
static void put_relocations(struct builder *builder, struct plan *plan, const u32 arrays[3], const u32 counts[3]) {
  u64 old = plan->relocation_count, total = old + counts[0] + counts[1] + counts[2];
  if (plan->relocations % 4 || plan->relocations > builder->size || old > (builder->size - plan->relocations) / 4) builder->is_full = 1;
  u32 at = reserve(builder, 4 * total);
  if (!at) return;
  u32 *list = (u32 *)(builder->data + at);
  memcpy(list, builder->data + plan->relocations, 4 * old);
  list += old;
  for (int array = 0; array < 3; array++)
    for (u32 i = 0; i < counts[array]; i++) *list++ = arrays[array] + 8 * i;
  plan->relocations = at, plan->relocation_count = (u32)total;
}

int fill_plan(const struct template *template, const struct exec_request *request, char **envp) {
  struct builder builder = copy_blob(template, template->plan, template->plan_size);
  if (builder.is_full) return -1;
  struct plan *plan = (struct plan *)builder.data;
  const char *overrides[MAX_OVERRIDES + 1];
  u32 override_count = 0, counts[3], arrays[3];
  char term[256] = "TERM=xterm";
  const char *kind = variable(envp, "TERM");
  if (kind && string_length(kind) > 200) return -1;
  if (kind && *kind) append(term + 5, kind);
  if (request->terminal) overrides[override_count++] = term;
  for (u32 i = 0; i < request->override_count; i++) overrides[override_count++] = request->overrides[i];

  arrays[0] = put_programs(&builder, template_text(template, template->path), request->command[0], &counts[0]);
  counts[1] = count_of(request->command);
  arrays[1] = put_list(&builder, request->command, counts[1]);
  arrays[2] = put_environment(&builder, plan->envp, overrides, override_count, &counts[2]);
  put_relocations(&builder, plan, arrays, counts);
  if (request->directory) put_directory(&builder, template->directory, template->plan_size, request->directory);
  plan->programs = arrays[0], plan->argv = arrays[1], plan->envp = arrays[2], plan->size = builder.size;
  return finish(&builder, "foster-plan");
}

/* Whether it is shown as it is, when it is quoted. */
int can_quote(const char *program) {
  for (; *program; program++)
    if (*program < ' ' || *program > '~' || *program == '"' || *program == '\\') return 0;
  return 1;
}

static void put_failures(struct builder *builder, const struct template *template, const char *program) {
  u32 count = template->failure_count, array = reserve(builder, count * sizeof(struct failure));
  const struct template_failure *from = (const struct template_failure *)((const char *)template + template->failures);
  if (!has_slash(program)) from += count;
  for (u32 i = 0; i < count; i++, from++) {
    const char *before = template_text(template, from->before), *after = template_text(template, from->after);
    if (!before || !after) builder->is_full = 1;
    if (builder->is_full) return;
    struct failure failure = {.error = from->error, .exit_code = from->exit_code, .text = put_text(builder, before, program, after)};
    memcpy(builder->data + array + i * sizeof failure, &failure, sizeof failure);
  }
  struct monitor *monitor = (struct monitor *)builder->data;
  monitor->failures = array, monitor->failure_count = count;
}

int fill_monitor(const struct template *template, const struct exec_request *request, int pid) {
  struct builder builder = copy_blob(template, template->monitor, template->monitor_size);
  if (builder.is_full) return -1;
  struct monitor *monitor = (struct monitor *)builder.data;
  put_failures(&builder, template, request->command[0]);
  monitor->pid = pid, monitor->size = builder.size;
  if (request->interactive) monitor->flags |= MONITOR_INTERACTIVE;
  return finish(&builder, "foster-monitor");
}
