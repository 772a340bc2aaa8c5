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
enum { MAX_LIST = 4096, MAX_PLAN_TEXT = 64 * 1024 };

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

int has_slash(const char *text) {
  while (*text && *text != '/') text++;
  return *text == '/';
}

/* How many bytes the character at `text` has, if it is one of UTF-8; else 0. */
static u32 character_size(const u8 *text) {
  u32 size = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : *text < 0xf5 ? 4 : 0;
  for (u32 i = 1; i < size; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  /* too long for what it is, a surrogate, or beyond the last one */
  if (*text == 0xe0 ? text[1] < 0xa0 : *text == 0xed ? text[1] > 0x9f : *text == 0xf0 ? text[1] < 0x90 : *text == 0xf4 && text[1] > 0x8f) return 0;
  return size;
}

/* Whether Node has the same text. */
int is_utf8(const char *text) {
  while (*text) {
    u32 size = character_size((const u8 *)text);
    if (!size) return 0;
    text += size;
  }
  return 1;
}

/* A byte of a string in JSON, as JSON.stringify has it. */
static char *append_in_string(char *to, char byte) {
  static const char short_forms[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
  u8 code = (u8)byte;
  if (code < sizeof short_forms && short_forms[code]) *to++ = '\\', *to++ = short_forms[code];
  else if (code < ' ') to = append_octet(append(to, "\\u00"), code);
  else *to++ = byte;
  return to;
}

/* As JSON has them, with commas between them. */
static char *append_strings(char *to, const char *end, char **words) {
  for (char **word = words; *word; word++) {
    if (end - to < 8) return NULL;
    if (word != words) *to++ = ',';
    *to++ = '"';
    for (const char *c = *word; *c; c++) {
      if (end - to < 8) return NULL;
      to = append_in_string(to, *c);
    }
    *to++ = '"';
  }
  return to;
}

/* The text with its holes filled: CODE_*. */
char *expand(char *to, const char *end, const char *text, const struct values *values) {
  for (; *text; text++) {
    u8 code = (u8)*text;
    if (end - to < MAX_NAME + 2) return NULL;
    if (code == CODE_COMMAND) {
      if (!(to = append_strings(to, end, values->command))) return NULL;
    } else if (code >= CODE_END || !values->texts[code]) {
      *to++ = *text;
    } else {
      to = append(to, values->texts[code]);
    }
  }
  return *to = 0, to;
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

/* What an encoded array points to; there can be more in it afterwards. */
static char **read_list(struct builder *builder, u32 array, u32 *count) {
  static char *list[MAX_LIST];
  *count = 0;
  for (u64 at, offset = array; offset % 8 == 0 && offset + 8 <= builder->size; offset += 8) {
    memcpy(&at, builder->data + offset, sizeof at);
    if (!at) return list;
    if (at >= builder->size || *count == MAX_LIST) break;
    list[(*count)++] = builder->data + at;
  }
  builder->is_full = 1;
  return list;
}

/* The container's environment, in which a name keeps its place and takes the last value it is given. */
static u32 put_environment(struct builder *builder, u32 envp, const char **overrides, u32 override_count, u32 *count) {
  char **variables = read_list(builder, envp, count);
  for (u32 i = 0; i < override_count; i++) {
    u32 place = 0;
    while (place < *count && !is_same_variable(variables[place], overrides[i])) place++;
    if (place == MAX_LIST) return builder->is_full = 1, 0;
    variables[place] = (char *)overrides[i];
    if (place == *count) ++*count;
  }
  return put_list(builder, variables, *count);
}

/* The arguments: those of the template, which are an entry point's, and the command. */
static u32 put_arguments(struct builder *builder, u32 argv, char **command, u32 *count) {
  char **arguments = read_list(builder, argv, count);
  for (; *command; command++) {
    if (*count == MAX_LIST) return builder->is_full = 1, 0;
    arguments[(*count)++] = *command;
  }
  return put_list(builder, arguments, *count);
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

int blob_file(const struct builder *builder, const char *name) {
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

/* The program, if the command decides it, which follows no entry point then; or NULL. */
const char *new_program(const struct template *template, char **command) {
  const struct plan *plan = (const struct plan *)((const char *)template + template->plan);
  u64 first;
  if (plan->argv > template->plan_size - sizeof first) return NULL;
  memcpy(&first, (const char *)plan + plan->argv, sizeof first);
  return first ? NULL : *command;
}

/* Texts of steps that have codes: the pointer to one is followed by its length. */
static void put_plan_texts(struct builder *builder, const struct template *template, const struct values *values) {
  static char text[MAX_PLAN_TEXT];
  const struct run_template *run = run_part(template);
  const u32 *argument = (const u32 *)((const char *)template + run->texts);
  for (u32 i = 0; i < run->text_count; i++, argument++) {
    u64 at, length;
    if (*argument % 8 || *argument > template->plan_size - 2 * sizeof at) builder->is_full = 1;
    if (builder->is_full) return;
    memcpy(&at, builder->data + *argument, sizeof at);
    if (at >= template->plan_size) builder->is_full = 1; /* the blob has a zero behind it */
    const char *end = builder->is_full ? NULL : expand(text, text + sizeof text, builder->data + at, values);
    if (!end) builder->is_full = 1;
    if (builder->is_full) return;
    length = (u64)(end - text);
    put_pointer(builder, *argument, 0, put_text(builder, text, "", ""));
    if (!builder->is_full) memcpy(builder->data + *argument + sizeof at, &length, sizeof length);
  }
}

int fill_plan(const struct template *template, const struct process_request *request, const struct values *values, char **envp) {
  struct builder builder = copy_blob(template, template->plan, template->plan_size);
  if (builder.is_full) return -1;
  struct plan *plan = (struct plan *)builder.data;
  const char *overrides[MAX_OVERRIDES + 1];
  u32 override_count = 0, counts[3] = {0, 0, 0}, arrays[3] = {plan->programs, plan->argv, plan->envp};
  char term[256] = "TERM=xterm";
  const char *kind = variable(envp, "TERM");
  if (kind && string_length(kind) > 200) return -1;
  if (kind && *kind) append(term + 5, kind);
  if (request->terminal) overrides[override_count++] = term;
  for (u32 i = 0; i < request->override_count; i++) overrides[override_count++] = request->overrides[i];

  if (new_program(template, request->command))
    arrays[0] = put_programs(&builder, template_text(template, template->path), request->command[0], &counts[0]);
  if (*request->command) arrays[1] = put_arguments(&builder, plan->argv, request->command, &counts[1]);
  if (override_count) arrays[2] = put_environment(&builder, plan->envp, overrides, override_count, &counts[2]);
  put_relocations(&builder, plan, arrays, counts);
  if (template->kind >= TEMPLATE_RUN) put_plan_texts(&builder, template, values);
  if (request->directory) put_directory(&builder, template->directory, template->plan_size, request->directory);
  plan->programs = arrays[0], plan->argv = arrays[1], plan->envp = arrays[2], plan->size = builder.size;
  return blob_file(&builder, "foster-plan");
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

/* A list of texts, which an empty one ends. */
static u32 put_expanded(struct builder *builder, const char *texts, u32 count, const struct values *values) {
  char text[MAX_PATH];
  u32 start = 0;
  for (u32 i = 0; i < count; i++, texts += string_length(texts) + 1) {
    char *end = expand(text, text + sizeof text, texts, values);
    u32 at = !end || builder->is_full || builder->size > ROOM - MAX_PATH ? 0 : start ? builder->size : reserve(builder, 0);
    if (!at) return builder->is_full = 1, 0;
    memcpy(builder->data + at, text, (size_t)(end - text) + 1);
    builder->size = at + (u32)(end - text) + 1;
    if (!start) start = at;
  }
  if (builder->size < ROOM) builder->data[builder->size++] = 0;
  return start;
}

/* `values`: of a container; NULL for a process that joins one. */
int fill_monitor(const struct template *template, const struct process_request *request, const struct values *values, struct builder *builder) {
  *builder = copy_blob(template, template->monitor, template->monitor_size);
  if (builder->is_full) return 0;
  struct monitor *monitor = (struct monitor *)builder->data;
  const char *program = new_program(template, request->command);
  put_failures(builder, template, program ? program : "");
  if (values) {
    const struct run_template *run = run_part(template);
    const struct template_network *network = (const struct template_network *)((const char *)template + run->network);
    if (*template_text(template, run->subject)) monitor->subject = put_expanded(builder, template_text(template, run->subject), 1, values);
    if (run->oom_count) monitor->oom = put_expanded(builder, template_text(template, run->oom), run->oom_count, values);
    if (run->remove_count) monitor->remove = put_expanded(builder, template_text(template, run->remove), run->remove_count, values);
    if (run->network) monitor->names = put_expanded(builder, template_text(template, network->remove), network->remove_count, values);
  } else if (request->interactive) {
    monitor->flags |= MONITOR_INTERACTIVE; /* of a container, its record decides, as the template says already: start -i reads only where it was made so */
  }
  return monitor->size = builder->size, !builder->is_full;
}

enum { MAX_COMMAND = 1024 /* bytes of it in an event; a longer one is left to Node */ };

int is_long(char **command) {
  size_t size = 0;
  for (; *command; command++) size += string_length(*command) + 1;
  return size > MAX_COMMAND;
}
