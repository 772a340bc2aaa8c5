/* Holds the volumes of a container that is being created, as src/container/hold-volumes.ts does, so that none of them is removed
 * before the record says that it is in use. Volumes that have to be made or filled are left to Node. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* Whether it is the lock of the volume that has the name now. */
static int is_lock(int lock, int data, const char *path) {
  struct stat ours, now;
  return SYSCALL2(__NR_fstat, lock, &ours) == 0 && SYSCALL4(__NR_newfstatat, data, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

/* An empty volume may have to get the image's files. */
static int is_filled(int folder) {
  static char buffer[4096] __attribute__((aligned(8)));
  int files = (int)sys_openat(folder, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0), count = 0;
  long size = files < 0 ? 0 : SYSCALL3(__NR_getdents64, files, buffer, sizeof buffer);
  for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->size) count++;
  if (files >= 0) sys_close(files);
  return count > 2; /* . and .. */
}

/* Returns the descriptor of its lock, or -1. */
static int hold_volume(int data, const char *name) {
  char path[MAX_NAME + 32];
  struct stat info;
  if (string_length(name) > MAX_NAME) return -1;
  append(append(path, "volumes/"), name);
  int folder = (int)sys_openat(data, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0) return -1;
  append(path + string_length(path), "/lock");
  int lock = is_own(folder, S_IFDIR, &info) ? (int)sys_openat(folder, "lock", O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0) : -1;
  int is_usual = lock >= 0 && lock_file(lock, F_WRLCK) && is_lock(lock, data, path) && !exists(folder, "_new") && is_filled(folder);
  sys_close(folder);
  if (!is_usual && lock >= 0) sys_close(lock);
  return is_usual ? lock : -1;
}

/* Those of the template, which are in the order of their names. Returns 0 if not all of them are held. */
int hold_volumes(const struct template *template, int data, struct held_volumes *held) {
  const struct run_template *run = run_part(template);
  const char *name = template_text(template, run->volumes);
  for (held->count = 0; held->count < run->volume_count; name += string_length(name) + 1) {
    int lock = held->count < MAX_VOLUMES ? hold_volume(data, name) : -1;
    if (lock < 0) return 0;
    held->locks[held->count++] = lock;
  }
  return 1;
}

void release_volumes(struct held_volumes *held) {
  for (; held->count; held->count--) sys_close(held->locks[held->count - 1]);
}
