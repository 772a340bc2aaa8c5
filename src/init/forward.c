/* Carries connections to published ports into containers. The container sees the address of the client: we connect to it in
 * the network holder's namespace from that address (IP_TRANSPARENT: ip(7)). Packets back to it are delivered to us, because
 * the holder's rules mark them. TCP data does not pass through our memory: splice(2). */
#include "ports.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <asm/socket.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>

#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2
#define IP_TRANSPARENT 19
#define IPV6_TRANSPARENT 75
#define SHUT_WR 1

enum { MAX_CONNECTIONS = 4096, MAX_SESSIONS = 512, SESSION_MS = 120000, LOOK_MS = 1000, IDLE_MS = 30000, CHUNK = 65536 };

struct connection {
  int fd[2]; /* to the client, to the container */
  u32 port;
  address target; /* where the port led */
  int pipe[2][2]; /* pipe[i] has the data from fd[i] that waits to be sent */
  u32 held[2];
  u8 is_used, is_connected, has_ended[2], is_shut[2];
};

struct session { /* of UDP */
  int fd;
  u32 port;
  address client;
  s64 used_ms;
};

struct connection connections[MAX_CONNECTIONS] LARGE;
struct session sessions[MAX_SESSIONS] LARGE;
static int events;

enum { EVENT_END, EVENT_PORT, EVENT_CONNECTION, EVENT_SESSION, EVENT_ALONE };

static long watch(int fd, u32 what, u32 index, u32 mask) {
  struct epoll_event event = {.events = mask, .data = (u64)what << 32 | index};
  return SYSCALL4(__NR_epoll_ctl, events, EPOLL_CTL_ADD, fd, &event);
}

/* Converts the address of an IPv4 client of a socket for both families to an IPv4 address. */
static void unmap(address *a) {
  static const u8 prefix[12] = {[10] = 0xff, [11] = 0xff};
  if (family_of(a) != AF_INET6) return;
  for (int i = 0; i < 12; i++)
    if (a->bytes[8 + i] != prefix[i]) return;
  address short_one = {{AF_INET, 0, a->bytes[2], a->bytes[3]}};
  for (int i = 0; i < 4; i++) short_one.bytes[4 + i] = a->bytes[20 + i];
  *a = short_one;
}

/* Whether replies to the address would stay in the container's namespace, or on its link. */
static int is_local(const address *a) {
  if (family_of(a) == AF_INET) return a->bytes[4] == 127;
  if (a->bytes[8] == 0xfe && (a->bytes[9] & 0xc0) == 0x80) return 1;
  for (int i = 8; i < 23; i++)
    if (a->bytes[i]) return 0;
  return a->bytes[23] == 1;
}

/* The family of the container's address that a client is led to: 0 or 1, for IPv6. */
static int family_for(const struct port *port, const address *client) {
  int family = family_of(client) == AF_INET6;
  return family_of(&port->target[family]) ? family : !family;
}

/* Opens a socket to the container for a client, which is connected or still connecting. Returns -errno on failure. */
static long open_toward(const struct port *port, const address *client) {
  int family = family_for(port, client), is_replaced = is_local(client) || family != (family_of(client) == AF_INET6);
  const address *source = is_replaced ? &port->router[family] : client, *target = &port->target[family];
  long fd = SYSCALL3(__NR_socket, family_of(target), (port->is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  long error = family ? set_option((int)fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) : set_option((int)fd, IPPROTO_IP, IP_TRANSPARENT, 1);
  if (!error) error = SYSCALL3(__NR_bind, fd, source, size_of(source));
  if (!error) error = SYSCALL3(__NR_connect, fd, target, size_of(target));
  if (!error || error == -EINPROGRESS) return fd;
  sys_close((int)fd);
  return error;
}

static int is_full;     /* connections could not be accepted, and wait */
static int has_room;    /* a connection has ended since then */

static void close_connection(struct connection *one) {
  has_room = is_full;
  for (int i = 0; i < 2; i++) {
    if (one->fd[i] >= 0) sys_close(one->fd[i]);
    for (int j = 0; j < 2; j++)
      if (one->pipe[i][j] >= 0) sys_close(one->pipe[i][j]);
  }
  one->is_used = 0;
}

/* Carries data from fd[from] to the other end without blocking. Returns -1 if the connection is broken. */
static int pump(struct connection *one, int from) {
  int to = !from;
  while (!one->is_shut[from]) {
    long got = one->has_ended[from] ? 0 : SYSCALL6(__NR_splice, one->fd[from], NULL, one->pipe[from][1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got < 0 && got != -EAGAIN && got != -EINTR) return -1;
    if (got > 0) one->held[from] += (u32)got;
    if (got == 0) one->has_ended[from] = 1;
    long put = 0;
    if (one->held[from]) {
      put = SYSCALL6(__NR_splice, one->pipe[from][0], NULL, one->fd[to], NULL, one->held[from], SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (put < 0 && put != -EAGAIN && put != -EINTR) return -1;
      if (put > 0) one->held[from] -= (u32)put;
    }
    if (one->has_ended[from] && !one->held[from]) {
      SYSCALL2(__NR_shutdown, one->fd[to], SHUT_WR);
      one->is_shut[from] = 1;
    } else if (put <= 0 && got <= 0) {
      return 0; /* nothing has moved: epoll(7) reports the next change */
    }
  }
  return 0;
}

static void serve_connection(struct connection *one, u32 mask) {
  if (!one->is_used) return;
  if (!one->is_connected) {
    s32 error = 0;
    u32 size = sizeof error;
    if (!(mask & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
    SYSCALL5(__NR_getsockopt, one->fd[1], SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return close_connection(one);
    one->is_connected = 1;
  }
  if (pump(one, 0) < 0 || pump(one, 1) < 0 || (one->is_shut[0] && one->is_shut[1])) close_connection(one);
}

static struct connection *free_connection(void) {
  static u32 next;
  for (u32 i = 0; i < MAX_CONNECTIONS; i++, next = (next + 1) % MAX_CONNECTIONS)
    if (!connections[next].is_used) return &connections[next];
  return NULL;
}

static void accept_one(const struct port *port, struct connection *one, int client, address *from) {
  *one = (struct connection){.fd = {client, -1}, .port = (u32)(port - ports), .pipe = {{-1, -1}, {-1, -1}}, .is_used = 1};
  unmap(from);
  long server = open_toward(port, from);
  if (server < 0) return close_connection(one);
  one->fd[1] = (int)server;
  one->target = port->target[family_for(port, from)];
  for (int i = 0; i < 2; i++)
    if (SYSCALL2(__NR_pipe2, one->pipe[i], O_CLOEXEC | O_NONBLOCK) < 0) return close_connection(one);
  u32 index = (u32)(one - connections), mask = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  /* The container's end comes first, because only that one reports when it is connected. */
  if (watch(one->fd[1], EVENT_CONNECTION, index, mask) || watch(client, EVENT_CONNECTION, index, mask)) close_connection(one);
}

static void accept_all(const struct port *port) {
  for (;;) {
    address from = {{0}};
    u32 size = sizeof from;
    struct connection *one = free_connection();
    long client = one ? SYSCALL4(__NR_accept4, port->fd, &from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC) : -EMFILE;
    if (client == -ECONNABORTED || client == -EINTR) continue;
    if (client < 0 && client != -EAGAIN) is_full = 1; /* too many open files: the client waits until a connection ends */
    if (client < 0) return;
    accept_one(port, one, (int)client, &from);
  }
}

char datagram[CHUNK] LARGE;

static struct session *session_of(u32 port, const address *client) {
  struct session *place = sessions; /* a free one, or else the one that has been idle for the longest time */
  for (struct session *one = sessions; one < sessions + MAX_SESSIONS; one++) {
    if (one->fd >= 0 && one->port == port && is_same(&one->client, client)) return one;
    if (place->fd >= 0 && (one->fd < 0 || one->used_ms < place->used_ms)) place = one;
  }
  if (place->fd >= 0) sys_close(place->fd);
  address from = *client;
  unmap(&from);
  *place = (struct session){.fd = (int)open_toward(&ports[port], &from), .port = port, .client = *client};
  if (place->fd >= 0) watch(place->fd, EVENT_SESSION, (u32)(place - sessions), EPOLLIN);
  return place->fd < 0 ? NULL : place;
}

static void carry_in(u32 port) {
  address from = {{0}};
  u32 size = sizeof from;
  long got = SYSCALL6(__NR_recvfrom, ports[port].fd, datagram, sizeof datagram, MSG_DONTWAIT, &from, &size);
  struct session *session = got < 0 ? NULL : session_of(port, &from);
  if (!session) return;
  session->used_ms = now_ms();
  SYSCALL6(__NR_sendto, session->fd, datagram, got, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
}

static void carry_out(struct session *session) {
  if (session->fd < 0) return;
  long got = SYSCALL6(__NR_recvfrom, session->fd, datagram, sizeof datagram, MSG_DONTWAIT, NULL, NULL);
  if (got < 0) return;
  session->used_ms = now_ms();
  SYSCALL6(__NR_sendto, ports[session->port].fd, datagram, got, MSG_DONTWAIT | MSG_NOSIGNAL, &session->client, size_of(&session->client));
}

static void end_old_sessions(void) {
  s64 now = now_ms();
  for (u32 i = 0; i < MAX_SESSIONS; i++)
    if (sessions[i].fd >= 0 && now - sessions[i].used_ms > SESSION_MS) sys_close(sessions[i].fd), sessions[i].fd = -1;
}

static void end_sessions(void) {
  for (struct session *one = sessions; one < sessions + MAX_SESSIONS; one++)
    if (one->fd >= 0) sys_close(one->fd), one->fd = -1;
}

static int has_stale; /* there may be connections to addresses that the container has lost */

/* Leads new clients, and those over UDP, where the container is now. */
static void follow(void) {
  if (!ports_follow()) return;
  has_stale = 1;
  end_sessions();
}

/* Whether there is a route: connect(2) of UDP sends nothing. */
static int is_reachable(const address *target) {
  long fd = SYSCALL3(__NR_socket, family_of(target), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 1;
  long error = SYSCALL3(__NR_connect, fd, target, size_of(target));
  sys_close((int)fd);
  return !error;
}

static int is_stale(const struct connection *one) {
  const struct port *port = &ports[one->port];
  return !is_same(&one->target, &port->target[0]) && !is_same(&one->target, &port->target[1]);
}

/* Ends connections to a network that the container has left. Else, the client would wait for the last attempt to send to it. */
static void end_lost_connections(void) {
  has_stale = 0;
  for (struct connection *one = connections; one < connections + MAX_CONNECTIONS; one++) {
    if (!one->is_used || !is_stale(one)) continue;
    if (is_reachable(&one->target)) has_stale = 1;
    else close_connection(one);
  }
}

/* For clients that are connected: they do not show by a new one that the networks have changed. */
static void look_sometimes(void) {
  static s64 looked_ms;
  s64 now = now_ms();
  if (now - looked_ms < LOOK_MS) return;
  looked_ms = now;
  follow();
  if (has_stale) end_lost_connections();
}

static void accept_everywhere(void) {
  follow();
  for (u32 i = 0; i < port_count; i++)
    if (ports[i].is_tcp) accept_all(&ports[i]);
}

static void drop_all(void) {
  for (struct connection *one = connections; one < connections + MAX_CONNECTIONS; one++)
    if (one->is_used) close_connection(one);
  end_sessions();
}

/* Continues in a child. We wait, and start another one if it is killed, with the ports that we have open, too; connections that
 * it had are lost with it. It notices if we are killed, and then does the same: so either may be killed, and the ports are served. */
static void continue_in_child(void) {
  for (;;) {
    int status = 0, self = (int)SYSCALL2(__NR_pidfd_open, sys_getpid(), 0);
    long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) watch(self, EVENT_ALONE, (u32)self, EPOLLIN);
    if (pid <= 0) return accept_everywhere(); /* where there cannot be a child: alone. What has come before is no news */
    sys_close(self);
    drop_all();
    SYSCALL4(__NR_wait4, pid, &status, 0, NULL);
    if ((status & 0x7f) == 0) sys_exit(0);
    sleep_ms(100);
  }
}

static void serve_event(u32 what, u32 index, u32 mask) {
  switch (what) {
    case EVENT_PORT:
      follow();
      if (ports[index].is_tcp) accept_all(&ports[index]);
      else carry_in(index);
      break;
    case EVENT_CONNECTION:
      serve_connection(&connections[index], mask);
      break;
    case EVENT_SESSION:
      carry_out(&sessions[index]);
      break;
    case EVENT_ALONE:
      sys_close((int)index);
      continue_in_child();
      break;
    default:
      sys_exit(0); /* the container has ended */
  }
}

static _Noreturn void serve(void) {
  continue_in_child();
  for (;;) {
    struct epoll_event ready[64];
    long count = SYSCALL6(__NR_epoll_pwait, events, ready, 64, has_stale ? LOOK_MS : IDLE_MS, NULL, 8);
    if (count == 0) end_old_sessions();
    look_sometimes();
    /* New connections come last: they may get the place of one that ends, whose events must not be theirs. */
    for (int is_new = 0; is_new < 2; is_new++)
      for (long i = 0; i < count; i++)
        if ((ready[i].data >> 32 == EVENT_PORT) == is_new) serve_event((u32)(ready[i].data >> 32), (u32)ready[i].data, ready[i].events);
    if (!has_room) continue;
    has_room = is_full = 0;
    accept_everywhere();
  }
}

static _Noreturn void fail(u32 port, long error) {
  report(REPORT_FAILED, port, -error, 0, NULL);
  sys_exit(125);
}

static void raise_limit(void) {
  struct rlimit limit;
  if (SYSCALL4(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  SYSCALL4(__NR_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

/* argv: our name, "forward", the container's folder, then a word for each port: ports.c. Listens in the network namespace of the
 * caller, then enters the namespaces of the network holder (FD_ENTERED). Ends when the process of FD_PIDFD ends. Failures are
 * reported on FD_CONTROL with the index of the port. FD_CONTROL closes when all ports are open. */
int run_forward(int argc, char **argv) {
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-ports");
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  raise_limit();
  for (u32 i = 0; i < MAX_SESSIONS; i++) sessions[i].fd = -1;
  events = (int)SYSCALL1(__NR_epoll_create1, O_CLOEXEC);
  if (events < 0) fail(0, events);
  long error = ports_open(argv[2], argv + 3, (u32)argc - 3);
  if (error) fail(port_count, error);
  for (u32 i = 0; i < port_count; i++) {
    error = watch(ports[i].fd, EVENT_PORT, i, ports[i].is_tcp ? EPOLLIN | EPOLLET : EPOLLIN);
    if (error) fail(i, error);
  }
  watch(FD_PIDFD, EVENT_END, 0, EPOLLIN);
  error = SYSCALL2(__NR_setns, FD_ENTERED, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID);
  if (error) fail(0, error);
  become_orphan();
  SYSCALL0(__NR_setsid);
  SYSCALL1(__NR_chdir, "/");
  /* Keep only the rights to use addresses and low ports of clients. */
  limit_capabilities((u64)1 << CAP_NET_ADMIN | (u64)1 << CAP_NET_BIND_SERVICE);
  SYSCALL2(__NR_prctl, PR_SET_DUMPABLE, 0);
  sys_close(FD_ENTERED), sys_close(FD_CONTROL);
  serve();
}
