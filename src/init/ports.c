/* Published ports: where they listen, and where they lead. The container may get other addresses while it runs: foster network
 * connect and disconnect leave them in the file `next` of its folder, among the steps that its monitor takes at the next start
 * (next.c). Nobody tells us: we look at each new client, which costs half a microsecond. */
#include "ports.h"

#include <asm-generic/errno.h>
#include <asm/socket.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>

enum { BACKLOG = 1024 };

struct port ports[MAX_PORTS] LARGE;
u32 port_count;
static int folder; /* the container's */
static const char *first_words; /* where the ports led at the start */
static u64 seen[3]; /* which file `next` they lead to: inode and time of change; 0: where they led at the start */

/* Reads an address in hexadecimal. Returns the rest of the text; NULL if it is not an address. */
static const char *read_address(const char *text, address *out) {
  for (u32 i = 0; i < 2 * sizeof *out; i++, text++) {
    u8 digit = (u8)(*text >= '0' && *text <= '9' ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : 16);
    if (digit == 16) return NULL;
    out->bytes[i / 2] = (u8)(out->bytes[i / 2] << 4 | digit);
  }
  return text;
}

/* Reads a word: `t` or `u` for the protocol, then the addresses of struct port. Returns 0 if it is anything else. */
static int read_port(const char *word, struct port *port) {
  *port = (struct port){.fd = -1, .is_tcp = *word == 't'};
  address *const fields[] = {&port->listen, &port->target[0], &port->router[0], &port->target[1], &port->router[1]};
  const char *rest = *word ? word + 1 : NULL;
  for (int i = 0; i < 5 && rest; i++) rest = read_address(rest, fields[i]);
  return rest && !*rest;
}

static long listen_at(struct port *port) {
  int kind = (port->is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  long fd = SYSCALL3(__NR_socket, family_of(&port->listen), kind, 0);
  if (fd == -EAFNOSUPPORT && family_of(&port->listen) == AF_INET6) { /* a host without IPv6 */
    port->listen = (address){{AF_INET, 0, port->listen.bytes[2], port->listen.bytes[3]}};
    fd = SYSCALL3(__NR_socket, AF_INET, kind, 0);
  }
  if (fd < 0) return fd;
  if (port->is_tcp) set_option((int)fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family_of(&port->listen) == AF_INET6) set_option((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  long error = SYSCALL3(__NR_bind, fd, &port->listen, size_of(&port->listen));
  if (!error && port->is_tcp) error = SYSCALL2(__NR_listen, fd, BACKLOG);
  if (error) return error;
  port->fd = (int)fd;
  return 0;
}

/* `words` are arguments of this process: one text follows the other in its memory (execve(2)), as in a file `next`. */
long ports_open(const char *path, char **words, u32 count) {
  if (count > MAX_PORTS) return -E2BIG;
  first_words = words[0];
  folder = (int)sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0) return folder;
  for (; port_count < count; port_count++) {
    long error = read_port(words[port_count], &ports[port_count]) ? listen_at(&ports[port_count]) : -EINVAL;
    if (error) return error;
  }
  return 0;
}

/* Leads each port where its word says. NULL: nowhere, because the container is in no network. */
static int lead(const char *word) {
  int has_changed = 0;
  for (u32 i = 0; i < port_count; i++) {
    struct port wanted = {.fd = -1}, *port = &ports[i];
    if (word && !read_port(word, &wanted)) return has_changed;
    for (int family = 0; family < 2; family++) {
      has_changed |= !is_same(&port->target[family], &wanted.target[family]);
      port->target[family] = wanted.target[family], port->router[family] = wanted.router[family];
    }
    if (word) word += string_length(word) + 1;
  }
  return has_changed;
}

/* The words for the ports among the steps of the next start; NULL if there are none. */
static const char *find_words(const struct next *next) {
  const struct host_step *steps = (const struct host_step *)((const char *)next + next->host_steps);
  for (u32 i = 0; i < next->host_step_count; i++) {
    const char *words = (const char *)next + steps[i].words;
    if (steps[i].kind != HOST_START || steps[i].count != port_count + 2 || !string_equal(words, "forward")) continue;
    words += string_length(words) + 1;
    return words + string_length(words) + 1;
  }
  return NULL;
}

int ports_follow(void) {
  struct stat info;
  u64 now[3] = {0, 0, 0};
  if (SYSCALL4(__NR_newfstatat, folder, "next", &info, AT_SYMLINK_NOFOLLOW) == 0)
    now[0] = (u64)info.st_ino, now[1] = (u64)info.st_ctime, now[2] = (u64)info.st_ctime_nsec;
  if (now[0] == seen[0] && now[1] == seen[1] && now[2] == seen[2]) return 0;
  for (int i = 0; i < 3; i++) seen[i] = now[i];
  if (!now[0]) return lead(first_words); /* the change was taken back */
  long fd = sys_openat(folder, "next", O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  struct next *next = map_blob((int)fd, sizeof *next);
  sys_close((int)fd);
  if (!next) return 0;
  int has_changed = check_next(next) && lead(find_words(next));
  SYSCALL2(__NR_munmap, next, next->size);
  return has_changed;
}
