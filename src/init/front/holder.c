/* Makes the network holder for the first container, by the host steps that src/network/new-holder.ts lists. */
#include "front.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/in6.h>
#include <linux/sched.h>

int needs_new_recipe;

/* Whether this machine reaches others by IPv6. No packet is sent. */
static u32 has_ipv6(void) {
  enum { AF_INET6 = 10, SOCK_DGRAM = 2 };
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = 0x0900, .sin6_addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1} /* 2001:db8::1 */};
  int fd = (int)SYSCALL3(__NR_socket, AF_INET6, SOCK_DGRAM | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  u32 is_reached = SYSCALL3(__NR_connect, fd, &address, sizeof address) == 0;
  sys_close(fd);
  return is_reached;
}

/* For what programs say: they may keep it, and cannot make it larger. src/launch/host-steps.ts. */
static int output_file(void) {
  enum { ADD_SEALS = 1033, SIZE = 2 | 4 };
  static const char room[4096];
  int file = memory_file("foster-output", room, sizeof room, 0);
  if (file >= 0) SYSCALL3(__NR_fcntl, file, ADD_SEALS, SIZE);
  return file;
}

/* Returns its pid. It lives as long as somebody has the lock of its file, which it therefore opens itself. */
static int start_holder(const struct network *network, int init, int *pidfd, int *control) {
  int ends[2], file = (int)sys_openat(network->folder, "holder", O_RDWR | O_APPEND | O_CLOEXEC, 0);
  if (file < 0 || sys_socketpair(ends) < 0) return -EIO;
  s32 descriptors[] = {nothing, nothing, nothing, ends[1], file};
  const char *argv[] = {"foster-init", "network", NULL};
  struct program program = {.path = (u64) "", .argv = (u64)argv, .envp = (u64)&argv[2], .descriptors = (u64)descriptors, .file = init,
                            .descriptor_count = sizeof descriptors / sizeof *descriptors, .is_privileged = 1};
  int pid = (int)start_program(&program, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET, pidfd);
  sys_close(ends[1]), sys_close(file);
  *control = ends[0];
  return pid;
}

/* The programs that were started, some of which continue in the background. */
static void reap_started(const struct host *host) {
  const struct host_step *steps = (const struct host_step *)(host->blob + host->steps);
  for (u32 i = 0; i < host->count; i++)
    if (steps[i].kind == HOST_START && steps[i].result > 0) SYSCALL4(__NR_wait4, steps[i].result, NULL, 0, NULL);
}

static int write_state(const struct network *network, int pid, const char *rest) {
  char text[MAX_PATH], start[STAT_FIELD_SIZE];
  if (string_length(rest) > sizeof text / 2) return 0;
  process_start(pid, start);
  char *end = append(append(append(append(append_number(append(text, "{\"pid\":"), (u64)pid), ",\"start\":\""), start), "\","), rest);
  return SYSCALL2(__NR_ftruncate, network->holder_lock, 0) == 0 && sys_write(network->holder_lock, text, (size_t)(end - text)) == end - text;
}

static int is_empty(int folder, const char *path) {
  int list = (int)sys_openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (list < 0) return list == -ENOENT;
  long is_used = has_entries(list);
  sys_close(list);
  return !is_used;
}

/* Without a holder no container is in a network. Addresses and names that are left are of one that was killed, and Node removes them. */
static int is_nobody_left(const struct template *template, const struct template_network *part, int folder) {
  char names[MAX_PATH];
  const char *file = template_text(template, part->names_file);
  if (string_length(file) >= sizeof names) return 0;
  for (char *end = append(names, file); end > names && *end != '/';) *end-- = 0;
  return is_empty(folder, "leases") && (!*file || is_empty(folder, names));
}

/* Its file is locked by us. Returns whether it runs. */
int make_holder(struct template *template, const struct template_network *part, const struct network *network, int init) {
  int pidfd = -1, control = -1;
  if (!part->recipe_count || !is_nobody_left(template, part, network->folder)) return 0;
  needs_new_recipe = 1; /* unless it is still good */
  if (part->has_ipv6 != has_ipv6()) return 0;
  int pid = start_holder(network, init, &pidfd, &control);
  if (pid <= 0) return 0;
  fault_point("network holder started");
  struct host host = {.blob = (u64)template + part->recipe, .size = part->recipe_size, .steps = part->recipe_steps, .count = part->recipe_count,
                      .pid = pid, .pidfd = pidfd, .control = control, .holder = pidfd, .userns = -1, .output = output_file(), .starter = -1, .init = init};
  int runs = check_host(&host) && run_host_steps(&host) == 0;
  needs_new_recipe = !runs;
  if (runs) reap_started(&host);
  fault_point("network connected");
  runs = runs && write_state(network, pid, template_text(template, part->holder_state));
  if (!runs) {
    SYSCALL4(__NR_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
  }
  if (host.output >= 0) sys_close(host.output);
  sys_close(pidfd), sys_close(control);
  return runs;
}
