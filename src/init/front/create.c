/* The files of a new container, in the order in which src/container/create.ts makes them: docs/state.md. */
#include "front.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { NAME_ATTEMPTS = 20 };

static int open_below_folder(const struct created *created, const char *name, int flags) {
  return (int)sys_openat(created->folder, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* "FOLDER/ID" */
static const char *path_of(const struct created *created, const char *folder, char path[ID_SIZE + 32]) {
  append(append(append(path, folder), "/"), created->id);
  return path;
}

static void random_bytes(void *to, size_t size) {
  while (SYSCALL3(__NR_getrandom, to, size, 0) != (long)size) {}
}

/* 64 random hexadecimal digits. */
void choose_id(char id[ID_SIZE + 1]) {
  u8 bytes[ID_SIZE / 2];
  random_bytes(bytes, sizeof bytes);
  for (int i = 0; i < ID_SIZE; i++) id[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
  id[ID_SIZE] = 0;
}

/* One of the words with spaces between them. */
static char *append_random_word(char *to, const char *words) {
  u32 count = 1, chosen;
  for (const char *c = words; *c; c++) count += *c == ' ';
  random_bytes(&chosen, sizeof chosen);
  for (chosen %= count; chosen; words++) chosen -= *words == ' ';
  for (int length = 0; *words && *words != ' ' && length < MAX_NAME / 2 - 1; length++) *to++ = *words++;
  return *to = 0, to;
}

static char *append_padded(char *to, u64 number, u64 least, char end) {
  for (; least > 1 && number < least; least /= 10) *to++ = '0';
  to = append_number(to, number);
  return *to++ = end, to;
}

/* ISO 8601 in UTC: 2026-11-26T20:23:52.000Z. The calendar repeats every 400 years, which are counted from 1 March 0000, so
 * that a leap day comes last. */
static void format_time(u64 ms, char text[32]) {
  u64 seconds = ms / 1000, days = seconds / 86400 + 719468, of_day = seconds % 86400;
  u64 era = days / 146097, of_era = days % 146097;
  u64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365, of_year = of_era - (365 * year + year / 4 - year / 100);
  u64 month = (5 * of_year + 2) / 153, day = of_year - (153 * month + 2) / 5 + 1;
  month = month < 10 ? month + 3 : month - 9;
  text = append_padded(text, year + 400 * era + (month <= 2), 1000, '-');
  text = append_padded(append_padded(text, month, 10, '-'), day, 10, 'T');
  text = append_padded(append_padded(text, of_day / 3600, 10, ':'), of_day / 60 % 60, 10, ':');
  append_padded(append_padded(text, of_day % 60, 10, '.'), ms % 1000, 100, 'Z');
}

int begin_container(struct template *template, struct created *created) {
  char time[32], volumes[MOST_NEW_VOLUMES][ID_SIZE + 1];
  choose_id(created->id);
  format_time((u64)clock_ms(), time);
  const void *values[HOLE_END] = {[HOLE_ID] = created->id, [HOLE_SHORT_ID] = created->id, [HOLE_TIME] = time};
  for (u32 i = 0; run_part(template)->volume_count && i < MOST_NEW_VOLUMES; i++) choose_id(volumes[i]), values[HOLE_VOLUME + i] = volumes[i];
  return fill_holes(template, values);
}

/* Its file is new, and is removed only by who has its lock. */
static int take_lock(struct created *created) {
  char path[ID_SIZE + 32];
  created->lock = (int)sys_openat(created->data, path_of(created, "locks", path), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (created->lock < 0) return 0;
  fault_point("lock made");
  if (!lock_file(created->lock, F_WRLCK)) return 0;
  return fault_point("lock taken"), 1;
}

static int make_folder(const struct created *created, const char *name) {
  return SYSCALL3(__NR_mkdirat, created->folder, name, 0777) == 0;
}

static int make_folders(struct created *created, u32 flags) {
  char path[ID_SIZE + 32];
  path_of(created, "containers", path);
  if (SYSCALL3(__NR_mkdirat, created->data, path, 0777) < 0) return 0;
  fault_point("folder made");
  created->folder = (int)sys_openat(created->data, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (created->folder < 0 || !make_folder(created, "root")) return 0;
  if (flags & RUN_OPEN) return SYSCALL2(__NR_fchmod, created->folder, 0777) == 0;
  if (!(flags & RUN_LAYER)) return 1;
  /* whatever the umask: it is the root directory of the container */
  return make_folder(created, "upper") && SYSCALL3(__NR_fchmodat, created->folder, "upper", 0755) == 0 && make_folder(created, "work");
}

static int take_name(struct created *created, const struct template *template, const char *asked) {
  const struct run_template *run = run_part(template);
  const char *wanted = run->flags & RUN_ANY_NAME ? asked : template_text(template, run->name);
  if (!wanted || string_length(wanted) > MAX_NAME) return 0;
  for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    char path[MAX_NAME + 32], folder[ID_SIZE + 32];
    if (*wanted) append(created->name, wanted);
    else append_random_word(append(append_random_word(created->name, template_text(template, run->adjectives)), "_"), template_text(template, run->nouns));
    append(append(path, "names/"), created->name);
    long error = SYSCALL3(__NR_symlinkat, path_of(created, "../containers", folder), created->data, path);
    if (!error) return fault_point("name taken"), created->has_name = 1;
    if (error != -EEXIST || *wanted) return 0;
  }
  return 0;
}

/* As writeFileAtomically in src/sys/files.ts. */
int write_file(const struct created *created, const char *name, const char *text, size_t size, int is_durable) {
  char fresh[32], step[48];
  append(append(fresh, name), ".new");
  int file = open_below_folder(created, fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (file < 0) return 0;
  int is_written = sys_write(file, text, size) == (long)size && (!is_durable || SYSCALL1(__NR_fsync, file) == 0);
  sys_close(file);
  append(append(step, fresh), " written");
  if (is_written) fault_point(step);
  if (!is_written || SYSCALL5(__NR_renameat2, created->folder, fresh, created->folder, name, 0) < 0) return 0;
  append(append(step, name), " renamed");
  fault_point(step);
  return !is_durable || SYSCALL1(__NR_fsync, created->folder) == 0;
}

static int write_record(const struct created *created, const struct template *template, const struct values *values) {
  static char record[MAX_TEMPLATE];
  const struct run_template *run = run_part(template);
  const char *restart = template_text(template, run->restart);
  char *end = expand(record, record + sizeof record, template_text(template, run->record), values);
  return end && write_file(created, "restart", restart, string_length(restart), 0) &&
         write_file(created, "config.json", record, (size_t)(end - record), (run->flags & RUN_DURABLE) != 0);
}

/* `name` is the one that is asked for if the template is for any. Returns whether there is a container, whose lock is held and whose name is among the values. `created->data` is set; the rest
 * is to be removed in either case. */
int create_container(const struct template *template, const char *name, struct created *created, struct values *values) {
  char *none[] = {NULL};
  if (!take_lock(created) || !make_folders(created, run_part(template)->flags) || !take_name(created, template, name)) return 0;
  values->texts[CODE_NAME] = created->name;
  if (!write_record(created, template, values)) return 0;
  struct values without = {.texts = {[CODE_NAME] = created->name}, .command = none};
  append_event(created->data, template_text(template, template->event), &without);
  fault_point("event create noted");
  /* before they are made: who finds the folder can remove them */
  const char *cgroups = template_text(template, run_part(template)->cgroups);
  return !*cgroups || write_file(created, "cgroups", cgroups, string_length(cgroups), 0);
}

/* First the record, so that no command sees half of it, and the lock last. */
void remove_created(struct created *created) {
  /* Those of the kernel, in which nobody may look. */
  static const char *const of_overlay[] = {"work/work", "work/work/incompat", "work/work/incompat/volatile", NULL};
  char path[MAX_NAME + 32];
  if (created->folder >= 0) {
    SYSCALL3(__NR_unlinkat, created->folder, "config.json", 0);
    for (const char *const *name = of_overlay; *name; name++) SYSCALL3(__NR_fchmodat, created->folder, *name, 0700);
    sys_close(created->folder);
  }
  append(append(path, "names/"), created->name);
  if (created->has_name) SYSCALL3(__NR_unlinkat, created->data, path, 0);
  if (created->lock < 0) return;
  if (remove_tree(created->data, path_of(created, "containers", path)))
    SYSCALL3(__NR_unlinkat, created->data, path_of(created, "locks", path), 0);
  sys_close(created->lock);
}
