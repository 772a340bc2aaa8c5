/* Removes a container, as src/container/remove.ts does: first its record, then its name, its files, and its lock last. */
#include "job.h"

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
  fault_point("killed");
  return await_end(job), 1;
}

/* The folder's path, whatever links led to it. */
static int path_of_folder(const struct target *target, char path[MAX_PATH]) {
  char link[32];
  append_number(append(link, "/proc/self/fd/"), (u64)target->folder);
  long size = SYSCALL4(__NR_readlinkat, AT_FDCWD, link, path, MAX_PATH - 1);
  if (size <= ID_SIZE || size >= MAX_PATH - 1) return 0;
  path[size] = 0;
  for (const char *c = path; *c; c++)
    if (*c <= ' ' || *c == '\\') return 0; /* it would be escaped in mountinfo */
  return string_equal(path + size - ID_SIZE, target->id);
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

/* The blob of foster-init's mode that removes trees. */
static int remover_blob(const char *path) {
  static struct { struct monitor monitor; char remove[MAX_PATH + 8]; } blob;
  char *end = append(blob.remove, path) + 1; /* where the list has its empty text */
  u32 remove = sizeof blob.monitor, nothing = remove + (u32)(end - blob.remove);
  blob.monitor = (struct monitor){.magic = MAGIC, .version = VERSION, .size = nothing + 8, .flags = MONITOR_REMOVE | MONITOR_USERNS | MONITOR_STATELESS,
                                  .remove = remove, .names = nothing, .volumes = nothing, .subject = nothing};
  return memory_file("foster-remove", &blob, blob.monitor.size, 0);
}

/* Starts foster-init, which waits until its ids are mapped, and for a byte. It has the lock, too, until it ends. */
static int start_remover(struct launch *launch, const struct record *record, const char *path, int lock) {
  /* root may remove everything; who has no range writes the maps without a helper, which is Node's */
  int control[2], has_maps = record->uid_map[1] != ']' && SYSCALL0(__NR_geteuid) != 0;
  if (has_maps && !record->uses_helpers) return 0;
  if (sys_socketpair(control) < 0) return 0;
  launch->control = control[0];
  s32 descriptors[] = {nothing, nothing, 2, control[1], remover_blob(path), lock};
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
  struct record record = {.has_volumes = 0};
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

static int remove_held(struct job *job, int lock, int programs) {
  struct launch launch = NO_LAUNCH;
  char path[MAX_PATH], lock_path[ID_SIZE + 16];
  int status = -1;
  /* with the lock, it is what it was */
  if (!read_record(&job->target, &job->record) || exists(job->target.folder, "cgroups")) return 0;
  if (job->record.is_temporary && job->record.has_volumes) return 0;
  if (!path_of_folder(&job->target, path) || !is_free_of_mounts(path) || !prepare_launch(&launch, programs)) return 0;
  if (!start_remover(&launch, &job->record, path, lock) || !forget(job)) return dismiss(&launch);
  sys_send(launch.control, (char[]){CONTROL_RESUME}, 1, 0);
  sys_close(launch.control);
  fault_point("removal started");
  SYSCALL4(__NR_wait4, launch.pid, &status, 0, NULL);
  fault_point("folder removed");
  if (status) return 0;
  record_event(job->target.data, &job->record, "destroy", "");
  append(append(lock_path, "locks/"), job->target.id);
  SYSCALL3(__NR_unlinkat, job->target.data, lock_path, 0);
  return fault_point("lock removed"), 1;
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
