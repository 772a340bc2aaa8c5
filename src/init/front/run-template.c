/* The template that an earlier run with the same words has left, and whether it holds: src/container/run-template.ts. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/utsname.h>

enum { MAX_FILES = 4096, MAX_HOLES = 4096, MAX_NUMBERS = 4096 };

/* Bytes of a hole, by its kind. */
static u32 hole_size(u32 kind) {
  static const u32 sizes[HOLE_VOLUME] = {[HOLE_ID] = ID_SIZE, [HOLE_SHORT_ID] = 12, [HOLE_TIME] = 24,
                                         [HOLE_INDEX] = 4,    [HOLE_DEVICE] = DEVICE_SIZE, [HOLE_ADDRESS] = 4, [HOLE_DIGITS] = 8,
                                         [HOLE_POD] = ID_SIZE, [HOLE_SHORT_POD] = 12, [HOLE_INFRA] = ID_SIZE, [HOLE_SHORT_INFRA] = 12};
  return kind < HOLE_VOLUME ? sizes[kind] : kind < HOLE_PORT ? ID_SIZE : 4;
}

/* Whether all texts of a list end within the template. */
static int is_list(const struct template *template, u32 offset, u32 count) {
  const char *text = template_text(template, offset);
  for (u32 i = 0; text && i < count; i++) text = template_text(template, offset += (u32)string_length(text) + 1);
  return text != NULL;
}

static const struct template_file *files_of(const struct template *template) {
  return (const struct template_file *)((const char *)template + run_part(template)->files);
}

static const struct template_hole *holes_of(const struct template *template) {
  return (const struct template_hole *)((const char *)template + run_part(template)->holes);
}

static int are_files_whole(const struct template *template) {
  const struct run_template *run = run_part(template);
  if (run->files % 8 || run->file_count > MAX_FILES || !is_inside(template, run->files, run->file_count * (u32)sizeof(struct template_file))) return 0;
  for (u32 i = 0; i < run->file_count; i++) {
    const struct template_file *file = files_of(template) + i;
    if (!template_text(template, file->root) || !template_text(template, file->path)) return 0;
  }
  return 1;
}

static int are_holes_whole(const struct template *template) {
  const struct run_template *run = run_part(template);
  if (run->holes % 4 || run->hole_count > MAX_HOLES || !is_inside(template, run->holes, run->hole_count * (u32)sizeof(struct template_hole))) return 0;
  for (u32 i = 0; i < run->hole_count; i++) {
    struct template_hole hole = holes_of(template)[i];
    if (hole.kind >= HOLE_END || !is_inside(template, hole.offset, hole_size(hole.kind))) return 0;
  }
  return 1;
}

/* Whether an array of numbers is within the template. */
static int are_numbers_whole(const struct template *template, u32 offset, u32 count) {
  return offset % 4 == 0 && count <= MAX_NUMBERS && is_inside(template, offset, count * (u32)sizeof(u32));
}

static int are_volumes_whole(const struct template *template) {
  const struct run_template *run = run_part(template);
  if (run->volumes % 8 || run->volume_count > MAX_VOLUMES || !is_inside(template, run->volumes, run->volume_count * (u32)sizeof(struct template_volume)))
    return 0;
  for (u32 i = 0; i < run->volume_count; i++)
    if (!template_text(template, volumes_of(template)[i].name) || !template_text(template, volumes_of(template)[i].definition)) return 0;
  return 1;
}

static int is_network_whole(const struct template *template) {
  u32 offset = run_part(template)->network;
  const struct template_network *network = (const struct template_network *)((const char *)template + offset);
  if (!offset) return 1;
  if (offset % 4 || !is_inside(template, offset, sizeof *network)) return 0;
  const u32 texts[] = {network->lease_name, network->lease, network->note, network->names_file, network->names, network->holder_state};
  if (network->recipe % 8 || !is_inside(template, network->recipe, network->recipe_size)) return 0;
  for (u32 i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!template_text(template, texts[i])) return 0;
  return is_list(template, network->states, network->state_count) && is_list(template, network->remove, network->remove_count) &&
         are_numbers_whole(template, network->except, network->except_count) && network->ports % 4 == 0 && network->port_count <= MOST_PORTS &&
         is_inside(template, network->ports, network->port_count * (u32)sizeof(struct template_port));
}

static int is_pod_whole(const struct template *template) {
  u32 offset = run_part(template)->pod;
  const struct template_pod *pod = (const struct template_pod *)((const char *)template + offset);
  if (!offset) return 1;
  if (offset % 8 || !is_inside(template, offset, sizeof *pod)) return 0;
  return template_text(template, pod->reference) && template_text(template, pod->id) && template_text(template, pod->infra);
}

int is_run_whole(const struct template *template) {
  const struct run_template *run = run_part(template);
  if (template->run % 8 || !is_inside(template, template->run, sizeof *run)) return 0;
  const u32 texts[] = {run->boot, run->host, run->directory, run->name, run->adjectives, run->nouns, run->record, run->restart, run->subject, run->cgroups,
                       run->uid_map, run->gid_map};
  for (u32 i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!template_text(template, texts[i])) return 0;
  return is_list(template, run->words, run->word_count) && is_list(template, run->variables, run->variable_count) &&
         is_list(template, run->remove, run->remove_count) && are_volumes_whole(template) &&
         is_list(template, run->oom, run->oom_count) && are_files_whole(template) && are_holes_whole(template) &&
         are_numbers_whole(template, run->texts, run->text_count) && is_network_whole(template) && is_pod_whole(template);
}

/* Writes over what was different in the run that has left the template. Returns whether it is a template afterwards, too: its holes
 * may be anywhere. */
int fill_holes(struct template *template, const void *const values[HOLE_END]) {
  const struct template_hole *holes = holes_of(template);
  u32 size = template->size, kind = template->kind, count = run_part(template)->hole_count;
  for (u32 i = 0; i < count; i++) {
    struct template_hole hole = holes[i];
    if (hole.kind >= HOLE_END || hole.offset > size || hole_size(hole.kind) > size - hole.offset) return 0;
    if (values[hole.kind]) memcpy((char *)template + hole.offset, values[hole.kind], hole_size(hole.kind));
  }
  return template->kind == kind && is_well_formed(template, size) && is_run_whole(template);
}

/* `is_nameless`: whether it is to be a template for any name. */
static int has_words(const struct template *template, const struct run_request *request, int is_nameless) {
  const struct run_template *run = run_part(template);
  const char *word = template_text(template, run->words);
  if (run->word_count != request->word_count || !(run->flags & RUN_COMMAND) != !*request->process.command) return 0;
  if (!(run->flags & RUN_ANY_NAME) != !is_nameless) return 0;
  for (u32 i = 0; i < run->word_count; i++, word += string_length(word) + 1)
    if (!string_equal(word, is_nameless ? nameless(request, i) : request->words[i])) return 0;
  /* if the container has the machine's name, one word can stand for both names in its files */
  return !is_nameless || !string_equal(request->name, template_text(template, run->host));
}

/* Whether a variable is set to what it was, or is still not set. */
static int has_variable(const char *text, char **envp) {
  for (const char *c = text; *c; c++) {
    if (*c != '=') continue;
    for (; *envp; envp++)
      if (string_equal(*envp, text)) return 1;
    return 0;
  }
  return !variable(envp, text);
}

static int has_variables(const struct template *template, char **envp) {
  const struct run_template *run = run_part(template);
  const char *text = template_text(template, run->variables);
  for (u32 i = 0; i < run->variable_count; i++, text += string_length(text) + 1)
    if (!has_variable(text, envp)) return because("a variable has another value than when its template was made: ", text, "");
  return 1;
}

/* The same user on the same machine, which runs since then. */
static int has_caller(const struct template *template) {
  const struct run_template *run = run_part(template);
  struct new_utsname names;
  char boot[64], directory[MAX_PATH];
  const char *wanted = template_text(template, run->directory);
  if ((u32)SYSCALL0(__NR_getuid) != run->uid || (u32)SYSCALL0(__NR_geteuid) != run->uid) return 0;
  if ((u32)SYSCALL0(__NR_getgid) != run->gid || (u32)SYSCALL0(__NR_getegid) != run->gid) return 0;
  if (SYSCALL1(__NR_uname, &names) < 0 || !string_equal(names.nodename, template_text(template, run->host))) return 0;
  if (*wanted && (SYSCALL2(__NR_getcwd, directory, sizeof directory) <= 0 || !string_equal(directory, wanted))) return 0;
  int file = (int)sys_openat(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
  long size = file < 0 ? 0 : sys_read(file, boot, sizeof boot - 1);
  if (size <= 0) return 0;
  sys_close(file);
  boot[size - 1] = 0; /* in place of the end of the line */
  return string_equal(boot, template_text(template, run->boot));
}

/* Below a directory that is the root for all links in the path. */
static long open_below(const char *root, const char *path, int flags) {
  int folder = (int)sys_openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return folder;
  struct open_how how = {.flags = (u64)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  long file = SYSCALL4(__NR_openat2, folder, path, &how, sizeof how);
  sys_close(folder);
  return file;
}

/* Zeros if there is no such file. */
void stamp_below(const char *root, const char *path, u64 to[5]) {
  struct stat info;
  int file = (int)open_below(root, path, 0);
  for (int i = 0; i < 5; i++) to[i] = 0;
  if (file >= 0 && SYSCALL2(__NR_fstat, file, &info) >= 0) stamp_of(&info, to);
  if (file >= 0) sys_close(file);
}

static long look_at(const struct template *template, const struct template_file *file, struct stat *info) {
  const char *root = template_text(template, file->root), *path = template_text(template, file->path);
  int is_link = (file->kind & FILE_LINK) != 0;
  if (!*root) return SYSCALL4(__NR_newfstatat, AT_FDCWD, path, info, is_link ? AT_SYMLINK_NOFOLLOW : 0);
  long fd = open_below(root, path, is_link ? O_NOFOLLOW : 0);
  if (fd < 0) return fd;
  long error = SYSCALL2(__NR_fstat, fd, info);
  return sys_close((int)fd), error;
}

/* As textStamp in src/sys/sightings.ts. Zeros if it cannot be read. */
static void text_stamp(const char *path, u64 to[5]) {
  static u8 buffer[16 * 1024];
  u32 one = 0x811c9dc5, two = 0x01234567;
  int file = (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  for (long size; file >= 0 && (size = sys_read(file, buffer, sizeof buffer)) > 0; to[0] += (u64)size)
    for (long i = 0; i < size; i++) one = (one ^ buffer[i]) * 0x01000193, two = (two ^ buffer[i]) * 0x01000193;
  if (to[0]) to[1] = one, to[2] = two;
  if (file >= 0) sys_close(file);
}

static int is_unchanged(const struct template *template, const struct template_file *file) {
  struct stat info;
  u64 found[5] = {0, 0, 0, 0, 0};
  u32 kind = file->kind & ~(u32)FILE_LINK;
  if (kind == FILE_TEXT) {
    text_stamp(template_text(template, file->path), found);
  } else if (look_at(template, file, &info) >= 0) {
    if (kind == FILE_CONTENT) stamp_of(&info, found);
    else if (kind == FILE_TYPE) found[0] = info.st_mode & S_IFMT;
    else found[0] = info.st_dev, found[1] = info.st_ino, found[2] = info.st_mode, found[3] = info.st_uid, found[4] = info.st_gid;
  }
  for (int i = 0; i < 5; i++)
    if (found[i] != file->stamp[i]) return 0;
  return 1;
}

static int has_files(const struct template *template) {
  for (u32 i = 0; i < run_part(template)->file_count; i++)
    if (!is_unchanged(template, files_of(template) + i))
      return because("changed since its template was made: ", template_text(template, files_of(template)[i].path), "");
  return 1;
}

/* Whether all that planning has looked at is what it was. */
int is_as_planned(const struct template *template, char **envp, int programs) {
  if (!has_caller(template)) return because("its template is of another user, machine, boot or directory", "", "");
  return has_variables(template, envp) && has_programs(template, programs) && has_files(template);
}

static struct template *find_by_key(int data, int folder, u64 key, const struct run_request *request, char **envp, int programs, struct pod *pod) {
  char name[17];
  append_key(name, key);
  struct template *template = read_template(folder, name);
  if (!template || template->kind < TEMPLATE_RUN || !is_run_whole(template) || template->kind == TEMPLATE_START) return NULL;
  if (!has_words(template, request, key != request->key)) return NULL;
  if (run_part(template)->pod && !find_pod(template, data, pod)) return NULL;
  if (!is_as_planned(template, envp, programs)) return NULL;
  SYSCALL4(__NR_utimensat, folder, name, NULL, AT_SYMLINK_NOFOLLOW); /* the one that was not used for long is removed first */
  return template;
}

/* NULL if there is none that holds. */
struct template *find_run_template(int data, const struct run_request *request, char **envp, int programs, struct pod *pod) {
  struct stat info;
  int folder = (int)sys_openat(data, "templates", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0 || !is_own(folder, S_IFDIR, &info)) return NULL;
  struct template *template = request->name ? find_by_key(data, folder, request->nameless_key, request, envp, programs, pod) : NULL;
  return template ? template : find_by_key(data, folder, request->key, request, envp, programs, pod);
}

/* That of a start, which is in the container's folder; NULL if there is none that holds. */
struct template *find_start_template(int folder, char **envp, int programs) {
  struct template *template = read_template(folder, "start");
  if (!template || template->kind != TEMPLATE_START || !is_run_whole(template)) return NULL;
  return has_record(folder, template) && is_as_planned(template, envp, programs) ? template : NULL;
}
