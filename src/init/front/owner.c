/* Gives the directory of a new volume to a user of the container, as the helper of src/layers/tree-main.ts does, when the image has an
 * empty directory in its place. */
#include "record.h"

#include <linux/fcntl.h>
#include <linux/sched.h>

static int set_owner(const struct template_volume *volume, int directory) {
  if (SYSCALL3(__NR_fchown, directory, volume->uid, volume->gid) < 0 || SYSCALL2(__NR_fchmod, directory, volume->mode & 07777) < 0) return 0;
  return !(volume->flags & VOLUME_TIMED) || SYSCALL4(__NR_utimensat, directory, NULL, volume->times, 0) == 0;
}

/* Such ids are only in a user namespace of the container's maps. The child in it waits until they are written, and for a byte. */
static int set_owner_inside(const struct template *template, const struct template_volume *volume, int directory) {
  const struct run_template *run = run_part(template);
  const struct record record = {.uid_map = template_text(template, run->uid_map), .gid_map = template_text(template, run->gid_map)};
  struct launch launch = NO_LAUNCH;
  int ends[2], status = -1;
  char byte = 0;
  if (SYSCALL2(__NR_pipe2, ends, O_CLOEXEC) < 0) return 0;
  launch.pid = (int)SYSCALL5(__NR_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (launch.pid == 0) {
    sys_close(ends[1]);
    sys_exit(sys_read(ends[0], &byte, 1) == 1 && set_owner(volume, directory) ? 0 : 1);
  }
  sys_close(ends[0]);
  launch.pidfd = launch.pid > 0 ? (int)SYSCALL2(__NR_pidfd_open, launch.pid, 0) : -1;
  if (launch.pidfd >= 0 && map_ids(&record, &launch)) sys_write(ends[1], &byte, 1);
  sys_close(ends[1]);
  if (launch.pidfd >= 0) sys_close(launch.pidfd);
  return launch.pid > 0 && SYSCALL4(__NR_wait4, launch.pid, &status, 0, NULL) == launch.pid && status == 0;
}

/* Returns 0 if that cannot be done. */
int give_directory(const struct template *template, const struct template_volume *volume, int directory) {
  if (!(volume->flags & VOLUME_OWNED)) return 1;
  int is_given = volume->flags & VOLUME_MAPPED ? set_owner_inside(template, volume, directory) : set_owner(volume, directory);
  if (is_given) fault_point("directory of the volume given to its user");
  return is_given;
}
