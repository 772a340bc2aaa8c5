/* Published ports: ports.c says where they lead, forward.c carries data there. */
#ifndef FOSTER_PORTS_H
#define FOSTER_PORTS_H

#include "init.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC

enum { MAX_PORTS = 1024 };

/* struct sockaddr_in or sockaddr_in6; its first two bytes are the family, the next two the port. */
typedef struct { u8 bytes[28]; } address;

static inline u32 family_of(const address *a) { return a->bytes[0] | (u32)a->bytes[1] << 8; }
static inline u32 size_of(const address *a) { return family_of(a) == AF_INET ? 16 : 28; }

static inline int is_same(const address *a, const address *b) {
  for (u32 i = 0; i < sizeof *a; i++)
    if (a->bytes[i] != b->bytes[i]) return 0;
  return 1;
}

static inline long set_option(int fd, int level, int name, int value) {
  return SYSCALL5(__NR_setsockopt, fd, level, name, &value, sizeof value);
}

/* A port of the host: where it listens; the container's address of each family; the router's addresses, which replace those of
 * clients that the container could not answer. A family of 0 means no address. */
struct port {
  int fd;
  u8 is_tcp;
  address listen, target[2], router[2];
};

extern struct port ports[MAX_PORTS];
extern u32 port_count;

/* Opens the ports of these words. Returns 0; or -errno, and port_count is then the one that failed. */
long ports_open(const char *folder, char **words, u32 count);
/* Leads them where the container is now. Returns whether that has changed. */
int ports_follow(void);

#endif
