/* The monitor's socket for those who watch a detached container (foster attach). Nobody may hold the container up: who
 * does not keep up for PATIENCE_MS is let go, since the log has everything. Only one who said ATTACH_ALL is waited for,
 * as a program waits for whoever reads its pipe (foster run, foster start -a). */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#define PATIENCE_MS 1000
#define PATIENCE_AT_END_MS 10000 /* with one who wants all: the container has ended, and is not held up */

static int listener = -1;
static int clients[MAX_CLIENTS] = {-1, -1, -1, -1, -1, -1, -1, -1};
static u8 wants_all[MAX_CLIENTS];
static int owner = -1; /* who started the container, and waits for its end */
static int is_abandoned;
static struct {
  size_t size, at;
  char data[ATTACH_CHUNK];
} inputs[MAX_CLIENTS]; /* on its way to the container, which may not read it */

/* The socket's path may be longer than an address holds (108 bytes), so it is bound from its folder: unix(7). Where
 * that holds no sockets, as some network file systems, nobody can attach, and all else goes on. */
void attach_open(void) {
  struct {
    unsigned short family;
    char path[8];
  } address = {AF_UNIX, "attach"};
  listener = (int)SYSCALL3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK, 0);
  if (listener < 0 || SYSCALL1(__NR_fchdir, FD_DIRECTORY) < 0) return;
  SYSCALL3(__NR_unlinkat, AT_FDCWD, "attach", 0);
  long error = SYSCALL3(__NR_bind, listener, &address, sizeof address);
  if (!error) error = SYSCALL2(__NR_listen, listener, MAX_CLIENTS);
  if (error) sys_close(listener), listener = -1;
  SYSCALL1(__NR_chdir, "/");
}

int attach_listener(void) { return listener; }

int attach_client(int index) { return index < 0 ? -1 : clients[index]; }

static void let_go(int index) {
  if (index == owner) owner = -1;
  sys_close(clients[index]);
  clients[index] = -1;
}

/* Returns 0 when nobody (more) wants to come. */
int attach_accept(void) {
  if (listener < 0) return 0;
  long fd = SYSCALL4(__NR_accept4, listener, NULL, NULL, O_CLOEXEC);
  if (fd < 0) return 0;
  for (int i = 0; i < MAX_CLIENTS; i++) {
    if (clients[i] >= 0 || inputs[i].size) continue;
    clients[i] = (int)fd;
    wants_all[i] = 0;
    return 1;
  }
  sys_close((int)fd);
  return 1;
}

static int wait_writable(int fd, s64 ms) {
  struct pollfd poll = {.fd = fd, .events = POLLOUT};
  s64 time[2] = {ms / 1000, ms % 1000 * 1000000};
  return SYSCALL5(__NR_ppoll, &poll, 1, time, NULL, 8) > 0;
}

static void send_to(int index, const char *message, size_t size) {
  for (;;) {
    long sent = sys_send(clients[index], message, size, MSG_DONTWAIT);
    if (sent >= 0) return;
    if (sent == -EINTR) continue;
    if (sent == -EAGAIN && wait_writable(clients[index], wants_all[index] ? PATIENCE_AT_END_MS : PATIENCE_MS)) continue;
    is_abandoned |= index == owner && sent != -EAGAIN;
    return let_go(index);
  }
}

/* To all. The byte before `data` must be ours to write: every buffer that is sent has room there for the kind. */
void attach_send(u8 kind, char *data, size_t size) {
  for (size_t at = 0; at < size || size == 0; at += ATTACH_CHUNK) {
    size_t part = size - at < ATTACH_CHUNK ? size - at : ATTACH_CHUNK;
    char kept = data[(long)at - 1];
    data[(long)at - 1] = (char)kind;
    for (int i = 0; i < MAX_CLIENTS; i++)
      if (clients[i] >= 0) send_to(i, data + at - 1, part + 1);
    data[(long)at - 1] = kept;
    if (size == 0) return;
  }
}

/* One who wants all and does not take it just now; -1 when there is none. Until then no output is read, so that a
 * whole LOG_CHUNK fits where poll(2) sees room: a socket counts as writable when a fourth of its buffer is in use. */
int attach_stalled(void) {
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (clients[i] >= 0 && wants_all[i] && !wait_writable(clients[i], 0)) return i;
  return -1;
}

/* What a client says, in the first bytes of `message`. Returns its kind; 0 when it is none of the caller's business. */
u8 attach_receive(int index, char message[ATTACH_SHORT], size_t *size) {
  char received[ATTACH_CHUNK + 1];
  long got = sys_read(clients[index], received, sizeof received);
  if (got == -EINTR || got == -EAGAIN) return 0;
  if (got <= 0) {
    is_abandoned |= index == owner;
    return let_go(index), 0;
  }
  *size = (size_t)got - 1;
  if (received[0] == ATTACH_ALL || received[0] == ATTACH_OWNER) wants_all[index] = 1;
  if (received[0] == ATTACH_OWNER) owner = index;
  if (received[0] == ATTACH_DETACH && index == owner) owner = -1;
  if (received[0] == ATTACH_INPUT && *size) {
    if (inputs[index].size) return let_go(index), 0; /* it was to wait for ATTACH_TAKEN */
    memcpy(inputs[index].data, received + 1, *size);
    inputs[index].size = *size;
  }
  memcpy(message, received + 1, *size < ATTACH_SHORT ? *size : ATTACH_SHORT);
  return (u8)received[0];
}

/* Whether the owner was killed. */
int attach_is_abandoned(void) { return is_abandoned; }

/* Returns whether there is one. */
int attach_tell_owner(u8 kind) {
  if (owner >= 0) send_to(owner, (char[]){(char)kind}, 1);
  return owner >= 0;
}

int attach_has_clients(void) {
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (clients[i] >= 0) return 1;
  return 0;
}

int attach_has_input(void) {
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (inputs[i].size) return 1;
  return 0;
}

/* Gives input to the container, as much as it takes now. `fd` < 0: to nobody. */
void attach_feed(int fd) {
  for (int i = 0; i < MAX_CLIENTS; i++) {
    if (!inputs[i].size) continue;
    long wrote = fd < 0 ? -EPIPE : sys_write(fd, inputs[i].data + inputs[i].at, inputs[i].size - inputs[i].at);
    if (wrote == -EAGAIN || wrote == -EINTR) return;
    inputs[i].at = wrote < 0 ? inputs[i].size : inputs[i].at + (size_t)wrote;
    if (inputs[i].at < inputs[i].size) return;
    inputs[i].size = inputs[i].at = 0;
    if (clients[i] >= 0) send_to(i, (char[]){ATTACH_TAKEN}, 1);
  }
}
