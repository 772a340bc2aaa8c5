/* Removes trees of files that may be hostile: symbolic links are never followed, and a tree of any depth needs a bounded
 * number of descriptors and a bounded stack. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

#define MAX_DEPTH 32

static u64 moved; /* number of directories moved up because the tree was too deep */

static int is_dot(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

/* The result for an entry. */
enum { REMAINS, REMOVED, ABSENT };

static int remove_entry(int top, int dir, const char *name, int depth);

/* Removing changes the listing, so lists again until a pass removes nothing. */
static void empty_directory(int top, int dir, int depth) {
  char buffer[4096] __attribute__((aligned(8)));
  int found;
  do {
    found = 0;
    SYSCALL3(__NR_lseek, dir, 0, 0);
    long size;
    while ((size = SYSCALL3(__NR_getdents64, dir, buffer, sizeof buffer)) > 0) {
      for (long at = 0; at < size;) {
        struct entry *entry = (struct entry *)(buffer + at);
        at += entry->size;
        if (is_dot(entry->name)) continue;
        if (remove_entry(top, dir, entry->name, depth) == REMOVED) found = 1;
      }
    }
  } while (found);
}

static int remove_entry(int top, int dir, const char *name, int depth) {
  long error = SYSCALL3(__NR_unlinkat, dir, name, 0);
  if (error == 0) return REMOVED;
  if (error == -ENOENT) return ABSENT;
  if (SYSCALL3(__NR_unlinkat, dir, name, AT_REMOVEDIR) == 0) return REMOVED;
  if (depth == MAX_DEPTH) { /* move it to the top, where a later pass finds it */
    char new_name[40];
    append_number(append(new_name, ".foster-removed-"), moved++);
    return SYSCALL5(__NR_renameat2, dir, name, top, new_name, 0) == 0 ? REMOVED : REMAINS;
  }
  long fd = sys_openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return REMAINS;
  empty_directory(top < 0 ? (int)fd : top, (int)fd, depth + 1);
  sys_close((int)fd);
  return SYSCALL3(__NR_unlinkat, dir, name, AT_REMOVEDIR) == 0 ? REMOVED : REMAINS;
}

/* Below the directory `dir`, or AT_FDCWD. Returns whether it is gone completely. */
int remove_tree(int dir, const char *path) { return remove_entry(-1, dir, path, 0) != REMAINS; }

/* `foster-init remove`: the paths are in a blob of a monitor's format. Waits until our ids are mapped, because only then
 * do the owners of the files exist here. */
int run_remove(void) {
  const struct monitor *monitor = map_blob(FD_BLOB, sizeof *monitor);
  if (!monitor || !check_monitor(monitor) || await_byte(CONTROL_RESUME)) return 125;
  int is_left = 0;
  const char *path = (const char *)monitor + monitor->remove;
  for (; *path; path += string_length(path) + 1)
    if (!remove_tree(AT_FDCWD, path)) is_left = 1;
  return is_left;
}
