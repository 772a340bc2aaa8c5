/* Removes a container, as src/container/remove.ts does: first its record, then its name, its files, and its lock last. */
#include "job.h"
#include "json.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

/* Kills one that runs. */
int begin_removal(struct job *job) {
  job->phase = JOB_DONE;
  if (!job->is_alive) return 1;
  if (!mark_stopped(job)) return 0;
  fault_point("marked as stopped");
  kill_all(job);
  thaw_cgroups(job->target.folder);
  fault_point("killed");
  return await_end(job), 1;
}

/* The path of a folder, whatever links led to it. */
static int path_of(int folder, char path[MAX_PATH]) {
  char link[32];
  append_number(append(link, "/proc/self/fd/"), (u64)folder);
  long size = SYSCALL4(__NR_readlinkat, AT_FDCWD, link, path, MAX_PATH - 1);
  if (size <= 0 || size >= MAX_PATH - 1) return 0;
  path[size] = 0;
  for (const char *c = path; *c; c++)
    if (*c <= ' ' || *c == '\\') return 0; /* it would be escaped in mountinfo */
  return 1;
}

static int path_of_container(const struct target *target, char path[MAX_PATH]) {
  if (!path_of(target->folder, path)) return 0;
  size_t size = string_length(path);
  return size > ID_SIZE && string_equal(path + size - ID_SIZE, target->id);
}

/* Whether `line` of mountinfo, from its fifth field on, is at or below `path`. */
static int is_below(const char *line, const char *path) {
  for (int spaces = 0; *line && *line != '\n' && spaces < 4; line++) spaces += *line == ' ';
  while (*path && *line == *path) line++, path++;
  return !*path && (*line == ' ' || *line == '/');
}

/* Whether nothing is mounted there: files of something else must not be removed with the folder. */
static int is_free_of_mounts(const char *path) {
  static char text[256 * 1024];
  int file = (int)sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
  long size = 0, more;
  while (file >= 0 && (more = sys_read(file, text + size, sizeof text - 1 - (size_t)size)) > 0) size += more;
  if (file >= 0) sys_close(file);
  if (size <= 0 || size == sizeof text - 1) return 0;
  text[size] = 0;
  for (const char *line = text; *line; line++) {
    if (is_below(line, path)) return 0;
    while (*line && *line != '\n') line++;
    if (!*line) break;
  }
  return 1;
}

/* The anonymous volumes that go with it, whose locks we have. */
enum { MAX_OWN = 16 };
struct own_volumes {
  char names[MAX_OWN][MAX_NAME + 1], gone[MAX_OWN][64]; /* `gone`: where each is until it is removed, below the data folder */
  int locks[MAX_OWN];
  u32 count;
};

static int is_anonymous(int folder) {
  char *behind = NULL;
  const char *text = read_text(folder, "config.json", &behind);
  struct json_list members = json_list(text);
  int is_true = 0;
  while (text && json_next(&members)) is_true |= json_is_key(&members, "isAnonymous") && *members.value == 't';
  return is_true;
}

/* Takes it if it is anonymous. One that others have used is Node's, which knows who does now, and so is one that somebody has locked. */
static int take_own(const struct target *target, const char *data_path, const char *name, struct own_volumes *own) {
  char path[MAX_PATH + MAX_NAME + 32];
  append(append(append(path, data_path), "/volumes/"), name);
  int folder = (int)sys_openat(target->data, path + string_length(data_path) + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0) return 1; /* it is gone */
  if (!is_anonymous(folder)) return sys_close(folder), 1;
  fault_point("volume found");
  int lock = own->count < MAX_OWN ? hold_volume(target->data, name) : -1;
  /* With the lock: until then another container may take it, and removes the mark. */
  int is_plain = lock >= 0 && exists(folder, "solo") && is_free_of_mounts(path);
  sys_close(folder);
  if (!is_plain) return lock >= 0 ? sys_close(lock), 0 : 0;
  choose_hidden(own->gone[own->count], "removed");
  append(own->names[own->count], name);
  own->locks[own->count++] = lock;
  return 1;
}

/* `data_path`: of the data folder. Returns 0 if it is not clear which volumes go with it. */
static int take_all_own(const struct job *job, const char *data_path, struct own_volumes *own) {
  struct json_list list = json_list(job->record.volumes ? job->record.volumes : "[]");
  if (!job->request->with_volumes && !job->record.is_temporary) return 1;
  while (json_next(&list)) {
    char name[MAX_NAME + 2] = "";
    int is_twice = 0;
    struct json_list members = json_list(list.value);
    while (json_next(&members))
      if (json_is_key(&members, "name") && !json_text(members.value, name, sizeof name)) return 0;
    for (u32 i = 0; i < own->count; i++) is_twice |= string_equal(own->names[i], name);
    if (members.is_damaged || !is_name(name) || (!is_twice && !take_own(&job->target, data_path, name, own))) return 0;
  }
  return !list.is_damaged;
}

static void release_own(const struct own_volumes *own) {
  for (u32 i = 0; i < own->count; i++) sys_close(own->locks[i]);
}

/* The blob of foster-init's mode that removes trees. */
static int remover_blob(const char *path, const char *data_path, const struct own_volumes *own) {
  static struct { struct monitor monitor; char remove[(MAX_OWN + 1) * (MAX_PATH + 64)]; } blob;
  char *end = append(blob.remove, path) + 1; /* where the list has its empty text */
  for (u32 i = 0; i < own->count; i++) end = append(append(append(end, data_path), "/"), own->gone[i]) + 1;
  *end = 0;
  u32 remove = sizeof blob.monitor, nothing = remove + (u32)(end - blob.remove);
  blob.monitor = (struct monitor){.magic = MAGIC, .version = VERSION, .size = nothing + 8, .flags = MONITOR_REMOVE | MONITOR_USERNS | MONITOR_STATELESS,
                                  .remove = remove, .names = nothing, .volumes = nothing, .subject = nothing};
  return memory_file("foster-remove", &blob, blob.monitor.size, 0);
}

/* Starts foster-init, which waits until its ids are mapped, and for a byte. It has the lock, too, until it ends. */
static int start_remover(struct launch *launch, const struct record *record, int blob, int lock) {
  /* root may remove everything; who has no range writes the maps without a helper, which is Node's */
  int control[2], has_maps = record->uid_map[1] != ']' && SYSCALL0(__NR_geteuid) != 0;
  if (has_maps && !record->uses_helpers) return 0;
  if (sys_socketpair(control) < 0) return 0;
  launch->control = control[0];
  s32 descriptors[] = {nothing, nothing, 2, control[1], blob, lock};
  const char *argv[] = {"foster-init", "remove", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors, .file = launch->init,
                            .descriptor_count = 6, .is_privileged = has_maps};
  if (descriptors[FD_BLOB] < 0) return 0;
  launch->pid = (int)start_program(&program, has_maps ? CLONE_NEWUSER : 0, &launch->pidfd);
  sys_close(control[1]);
  return launch->pid > 0 && (!has_maps || map_ids(record, launch));
}

/* Without a byte it ends, and has removed nothing. */
static int dismiss(struct launch *launch) {
  if (launch->control >= 0) sys_close(launch->control);
  if (launch->pid > 0) SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  return 0;
}

/* A name may be another container's by now, after a removal that was interrupted. */
static void remove_name(const struct target *target, const char *name) {
  char path[MAX_NAME + 16], id[ID_SIZE + 1];
  append(append(path, "names/"), name);
  if (find_by_name(target->data, name, id) && string_equal(id, target->id)) SYSCALL3(__NR_unlinkat, target->data, path, 0);
}

/* Its record and its name, while nobody changes records. Returns whether it has begun. */
static int forget(const struct job *job) {
  struct record record = {.volumes = NULL};
  struct flock lock = {.l_type = F_WRLCK};
  int store = (int)sys_openat(job->target.data, "lock", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (store < 0 || SYSCALL3(__NR_fcntl, store, F_OFD_SETLKW, &lock) < 0) return 0;
  const char *name = read_record(&job->target, &record) ? record.name : job->record.name; /* it may have been renamed */
  SYSCALL3(__NR_unlinkat, job->target.folder, "config.json", 0);
  fault_point("record removed");
  remove_name(&job->target, name);
  fault_point("name removed");
  return sys_close(store), 1;
}

/* `path`: of its folder. With its lock, it is what it was. */
static int remove_with(struct job *job, int lock, const char *path, const char *data_path, const struct own_volumes *own, int programs) {
  struct launch launch = NO_LAUNCH;
  char lock_path[ID_SIZE + 16];
  int status = -1, data = job->target.data;
  if (!prepare_launch(&launch, programs) || !start_remover(&launch, &job->record, remover_blob(path, data_path, own), lock) || !forget(job))
    return dismiss(&launch);
  for (u32 i = 0; i < own->count; i++) move_volume_away(data, own->names[i], own->gone[i]);
  sys_send(launch.control, (char[]){CONTROL_RESUME}, 1, 0);
  sys_close(launch.control);
  fault_point("removal started");
  SYSCALL4(__NR_wait4, launch.pid, &status, 0, NULL);
  fault_point("folder removed");
  if (status) return 0;
  record_event(data, &job->record, "destroy", "");
  for (u32 i = 0; i < own->count; i++) record_volume_event(data, "destroy", own->names[i]);
  append(append(lock_path, "locks/"), job->target.id);
  SYSCALL3(__NR_unlinkat, data, lock_path, 0);
  return fault_point("lock removed"), 1;
}

static int remove_held(struct job *job, int lock, int programs) {
  static struct own_volumes own;
  static struct cgroups cgroups;
  char path[MAX_PATH], data_path[MAX_PATH];
  own.count = 0;
  if (!read_record(&job->target, &job->record) || !read_cgroups(job->target.folder, &cgroups)) return 0;
  if (!path_of_container(&job->target, path) || !path_of(job->target.data, data_path) || !is_free_of_mounts(path)) return 0;
  int is_removed = take_all_own(job, data_path, &own);
  if (is_removed) remove_cgroups(&cgroups), is_removed = remove_with(job, lock, path, data_path, &own, programs);
  return release_own(&own), is_removed;
}

/* One with --rm has been removed by its monitor when it has ended. */
int remove_container(struct job *job, int programs) {
  char path[ID_SIZE + 16];
  append(append(path, "containers/"), job->target.id);
  int lock = hold_lock(&job->target);
  if (lock < 0) return job->is_alive && !exists(job->target.data, path);
  int is_removed = remove_held(job, lock, programs);
  return sys_close(lock), is_removed;
}
