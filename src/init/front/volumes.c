/* Makes and holds the volumes of a container that is being created, as src/container/hold-volumes.ts and src/volume/store.ts do, so
 * that none of them is removed before the record says that it is in use. What has to be copied from the image is left to Node. */
#include "record.h"
#include "json.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* Whether it is the lock of the volume that has the name now. */
static int is_lock(int lock, int data, const char *path) {
  struct stat ours, now;
  return SYSCALL2(__NR_fstat, lock, &ours) == 0 && SYSCALL4(__NR_newfstatat, data, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

/* Returns the descriptor of its lock, or -1. */
int hold_volume(int data, const char *name) {
  char path[MAX_NAME + 32];
  struct stat info;
  if (string_length(name) > MAX_NAME) return -1;
  append(append(path, "volumes/"), name);
  int folder = (int)sys_openat(data, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0) return -1;
  append(path + string_length(path), "/lock");
  int lock = is_own(folder, S_IFDIR, &info) ? (int)sys_openat(folder, "lock", O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0) : -1;
  int is_usual = lock >= 0 && lock_file(lock, F_WRLCK) && is_lock(lock, data, path) && !exists(folder, "_new");
  sys_close(folder);
  if (!is_usual && lock >= 0) sys_close(lock);
  return is_usual ? lock : -1;
}

/* "volumes/.KIND-RANDOM": nobody takes it for a volume. */
void choose_hidden(char path[64], const char *kind) {
  char digits[ID_SIZE + 1];
  choose_id(digits);
  digits[16] = 0;
  append(append(append(append(path, "volumes/."), kind), "-"), digits);
}

void record_volume_event(int data, const char *action, const char *name) {
  char text[MAX_NAME + 64], *none[] = {NULL};
  struct values values = {.command = none};
  append(append(append(append(append(text, " volume."), action), " - "), name), " driver=local");
  append_event(data, text, &values);
  fault_point("event of the volume noted");
}

/* All that belongs to a volume. Returns the descriptor of its lock, which is taken, or -1. */
static int furnish(const struct template *template, const struct template_volume *volume, int folder) {
  const char *definition = template_text(template, volume->definition);
  const struct created fresh = {.folder = folder};
  if (SYSCALL3(__NR_mkdirat, folder, "_data", 0777) < 0 || SYSCALL3(__NR_fchmodat, folder, "_data", 0755) < 0) return -1; /* whatever the umask */
  int lock = (int)sys_openat(folder, "lock", O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  int is_solo = (volume->flags & VOLUME_NEW) != 0;
  int mark = is_solo ? (int)sys_openat(folder, "solo", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
  int files = (int)sys_openat(folder, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  int is_whole = lock >= 0 && (mark >= 0 || !is_solo) && files >= 0 && lock_file(lock, F_WRLCK) &&
                 write_file(&fresh, "config.json", definition, string_length(definition), !is_solo) && give_directory(template, volume, files);
  if (mark >= 0) sys_close(mark);
  if (files >= 0) sys_close(files);
  if (!is_whole && lock >= 0) sys_close(lock);
  return is_whole ? lock : -1;
}

/* In a folder of another name first: a rename makes it appear, if nobody else has made one of that name. */
static int make_hidden(const struct template *template, const struct template_volume *volume, int data) {
  char fresh[64], path[MAX_NAME + 32];
  choose_hidden(fresh, "new");
  append(append(path, "volumes/"), template_text(template, volume->name));
  if (SYSCALL3(__NR_mkdirat, data, fresh, 0700) < 0) return -1;
  fault_point("folder of the volume made");
  int folder = (int)sys_openat(data, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  int lock = folder < 0 ? -1 : furnish(template, volume, folder);
  if (folder >= 0) sys_close(folder);
  if (lock >= 0 && SYSCALL5(__NR_renameat2, data, fresh, data, path, 0) < 0) sys_close(lock), lock = -1;
  if (lock < 0) remove_tree(data, fresh);
  else fault_point("volume created");
  return lock;
}

/* Makes one, while nobody looks for leftovers. Returns the descriptor of its lock, or -1. */
static int make_volume(const struct template *template, const struct template_volume *volume, int data) {
  const char *name = template_text(template, volume->name);
  struct stat info;
  int creating = (int)sys_openat(data, "volumes.lock", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  int folder = (int)sys_openat(data, "volumes", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0), lock = -1;
  if (creating >= 0 && folder >= 0 && is_own(folder, S_IFDIR, &info) && is_name(name) && lock_file(creating, F_RDLCK))
    lock = make_hidden(template, volume, data);
  if (lock >= 0) record_volume_event(data, "create", name);
  if (folder >= 0) sys_close(folder);
  if (creating >= 0) sys_close(creating);
  return lock;
}

/* Whether config.json says that its files are in its folder, and that it has a name. */
static int is_plain(int folder) {
  char *behind = NULL;
  const char *text = read_text(folder, "config.json", &behind);
  struct json_list members = json_list(text);
  int has_options = 1;
  while (text && json_next(&members)) {
    if (json_is_key(&members, "options")) has_options = members.value[0] != '{' || members.value[1] != '}';
    if (json_is_key(&members, "isAnonymous")) return 0;
  }
  return !members.is_damaged && !has_options;
}

/* Whether there is something in a directory that has just been opened; -errno if it cannot be read. */
long has_entries(int directory) {
  static char buffer[4096] __attribute__((aligned(8)));
  long size = SYSCALL3(__NR_getdents64, directory, buffer, sizeof buffer), count = 0;
  for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->size) count++;
  return size < 0 ? size : count > 2 /* . and .. */;
}

/* Whether the image's files do not matter: it has some of its own, or there are none in the image. */
static int is_settled(const struct template_volume *volume, int folder) {
  struct stat info;
  int files = (int)sys_openat(folder, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  int is_filled = files >= 0 && has_entries(files) > 0;
  int is_kept = files >= 0 && volume->flags & VOLUME_KEPT && SYSCALL2(__NR_fstat, files, &info) == 0 && info.st_uid == (u32)SYSCALL0(__NR_geteuid);
  if (files >= 0) sys_close(files);
  if (files == -EACCES) return 1; /* another user of the container has closed it: isEmptyVolume in src/volume/store.ts */
  return is_filled || is_kept;
}

/* Of one that exists. Returns the descriptor of its lock, or -1. */
static int hold_existing(const struct template *template, const struct template_volume *volume, int data) {
  const char *name = template_text(template, volume->name);
  char path[MAX_NAME + 32];
  int lock = hold_volume(data, name);
  if (lock < 0) return -1;
  append(append(path, "volumes/"), name);
  int folder = (int)sys_openat(data, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  int is_usual = folder >= 0 && is_settled(volume, folder) && (!(volume->flags & VOLUME_PLAIN) || is_plain(folder));
  if (folder >= 0) sys_close(folder);
  if (!is_usual) sys_close(lock), lock = -1;
  return lock;
}

static int is_missing(const struct template *template, const struct template_volume *volume, int data) {
  const char *name = template_text(template, volume->name);
  char path[MAX_NAME + 32];
  if (volume->flags & VOLUME_NEW) return 1;
  if (string_length(name) > MAX_NAME || !*template_text(template, volume->definition)) return 0;
  append(append(path, "volumes/"), name);
  return !exists(data, path);
}

/* Those of the template. Returns 0 if not all of them are held. First those that exist: if one cannot be used, nothing has been made. */
int hold_volumes(const struct template *template, int data, struct held_volumes *held) {
  const struct template_volume *missing[MAX_VOLUMES];
  u32 missing_count = 0;
  held->count = 0;
  for (u32 i = 0; i < run_part(template)->volume_count && i < MAX_VOLUMES; i++) {
    const struct template_volume *volume = volumes_of(template) + i;
    if (is_missing(template, volume, data)) {
      missing[missing_count++] = volume;
      continue;
    }
    int lock = hold_existing(template, volume, data);
    if (lock < 0) return 0;
    held->locks[held->count] = lock, held->made[held->count++] = NULL;
  }
  for (u32 i = 0; i < missing_count; i++) {
    int lock = make_volume(template, missing[i], data);
    if (lock < 0) return 0;
    held->locks[held->count] = lock, held->made[held->count++] = missing[i];
  }
  return 1;
}

/* `count` stays: it says which of them were made. */
void release_volumes(struct held_volumes *held) {
  for (u32 i = 0; i < held->count; i++) sys_close(held->locks[i]);
}

/* From then on there is no such volume, whatever happens. `gone`: where it is until it is removed. */
int move_volume_away(int data, const char *name, const char *gone) {
  char path[MAX_NAME + 32];
  append(append(path, "volumes/"), name);
  if (SYSCALL5(__NR_renameat2, data, path, data, gone, 0) < 0) return 0;
  return fault_point("volume removed"), 1;
}

/* Undoes it. Once they are not held any more, another container may use one that has a name, and it stays, as what Node makes does. What
 * belongs to other users is swept by the next command that does. */
void remove_made_volumes(const struct template *template, int data, const struct held_volumes *held, int is_held) {
  char gone[64];
  for (u32 i = 0; i < held->count; i++) {
    const struct template_volume *volume = held->made[i];
    if (!volume || (!is_held && !(volume->flags & VOLUME_NEW))) continue;
    const char *name = template_text(template, volume->name);
    int lock = is_held ? -1 : hold_volume(data, name);
    if (!is_held && lock < 0) continue;
    choose_hidden(gone, "removed");
    if (move_volume_away(data, name, gone)) {
      remove_tree(data, gone);
      record_volume_event(data, "destroy", name);
    }
    if (lock >= 0) sys_close(lock);
  }
}
