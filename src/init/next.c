/* The networks of a container may change while it runs. foster network connect and disconnect then leave, in the file `next`,
 * what its monitor needs to start it with those that it has by then. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

/* Whether the step connects the container to its networks: src/plan/network.ts. */
static int is_link(const struct host_step *step, const char *words) {
  return step->kind == HOST_NETLINK || (step->kind == HOST_START && string_equal(words, "forward"));
}

/* Gives PID 1 this plan from now on. Returns -errno or 0. */
static long replace_plan(const char *plan, size_t size) {
  long fd = SYSCALL2(__NR_memfd_create, "foster-plan", 1 /* MFD_CLOEXEC */);
  if (fd < 0) return fd;
  long wrote = sys_write((int)fd, plan, size);
  if (wrote != (long)size) return sys_close((int)fd), -ENOSPC;
  set_descriptor(fd, FD_PLAN);
  return 0;
}

/* Takes over the file, if there is one. It is of no use to us if another version of foster has written it. */
void adopt_next(void) {
  long fd = sys_openat(FD_DIRECTORY, "next", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  struct next *next = map_blob((int)fd, sizeof *next);
  sys_close((int)fd);
  if (!next) return;
  if (!check_next(next) || replace_plan((const char *)next + next->plan, next->plan_size) < 0) {
    SYSCALL2(__NR_munmap, next, next->size);
    return;
  }
  if (run.next) SYSCALL2(__NR_munmap, run.next, run.next->size);
  run.next = next;
  run.links = run.host;
  run.links.starter = -1; /* no command waits for a restart */
  run.links.blob = (u64)next, run.links.size = next->size, run.links.steps = next->host_steps, run.links.count = next->host_step_count;
  struct host_step *steps = (struct host_step *)(run.host.blob + run.host.steps);
  for (u32 i = 0; i < run.host.count; i++)
    if (is_link(steps + i, (const char *)run.host.blob + steps[i].words)) steps[i].kind = HOST_NOTHING;
}

void undo_all_host_steps(int is_graceful) {
  undo_host_steps(&run.host, is_graceful);
  undo_host_steps(&run.links, is_graceful);
}
