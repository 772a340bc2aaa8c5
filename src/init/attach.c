/* The monitor's socket for clients that attach to a detached container (foster attach). A client must not block the
 * container: if it does not read for CLIENT_TIMEOUT_MS, it is disconnected, because the log has everything. The monitor
 * waits only for a client that has sent ATTACH_ALL, as a program waits for the reader of its pipe (foster run, foster
 * start -a). */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#define CLIENT_TIMEOUT_MS 1000
#define FINAL_TIMEOUT_MS 10000 /* for a client that wants all output */

static int listener = -1;
static int clients[MAX_CLIENTS] = {-1, -1, -1, -1, -1, -1, -1, -1};
static u8 wants_all[MAX_CLIENTS];
static u8 has_left[MAX_CLIENTS]; /* nothing can be sent to it; what it has sent before, such as ATTACH_DETACH, is still received */
static int owner = -1; /* index of the client that started the container and waits for its end */
static int is_abandoned;
/* What was received, but not yet read by the container: its size, and how much of it was. The texts, whose pages are seldom used,
 * are apart. */
static struct {
  size_t size, at;
} inputs[MAX_CLIENTS];
char input_text[MAX_CLIENTS][ATTACH_CHUNK] LARGE;

/* The socket's path may be longer than an address allows (108 bytes), so the socket is bound from its folder: unix(7). If
 * the filesystem does not support sockets, such as some network filesystems, only attach does not work. */
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

/* The client is connected already, and there will be no other. */
void attach_adopt(int fd) { clients[0] = fd; }

int attach_listener(void) { return listener; }

int attach_client(int index) { return index < 0 ? -1 : clients[index]; }

static void drop_client(int index) {
  if (index == owner) owner = -1;
  sys_close(clients[index]);
  clients[index] = -1;
}

/* Returns 0 if no client is waiting to be accepted. */
int attach_accept(void) {
  if (listener < 0) return 0;
  long fd = SYSCALL4(__NR_accept4, listener, NULL, NULL, O_CLOEXEC);
  if (fd < 0) return 0;
  for (int i = 0; i < MAX_CLIENTS; i++) {
    if (clients[i] >= 0 || inputs[i].size) continue;
    clients[i] = (int)fd;
    wants_all[i] = has_left[i] = 0;
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
  while (!has_left[index]) {
    long sent = sys_send(clients[index], message, size, MSG_DONTWAIT);
    if (sent >= 0) return;
    if (sent == -EINTR) continue;
    if (sent == -EAGAIN && wait_writable(clients[index], wants_all[index] ? FINAL_TIMEOUT_MS : CLIENT_TIMEOUT_MS)) continue;
    if (sent == -EAGAIN) return drop_client(index);
    has_left[index] = 1;
    return;
  }
}

/* Sends to all clients. The byte before `data` must be writable: the kind of the message is put there. */
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

/* Index of a client that wants all output but has no room for more at the moment; -1 if there is none. While there is one, no
 * output is read, so that a whole STREAM_BUFFER fits when poll(2) reports room: a socket is writable while at most a fourth of
 * its buffer is in use. */
int attach_stalled(void) {
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (clients[i] >= 0 && wants_all[i] && !wait_writable(clients[i], 0)) return i;
  return -1;
}

/* Receives a client's message, and copies its first bytes to `message`. Returns its kind; 0 if there is nothing to handle. */
u8 attach_receive(int index, char message[ATTACH_SHORT], size_t *size) {
  char received[ATTACH_CHUNK + 1];
  long got = receive_message(clients[index], received, sizeof received, 0);
  if (got == -EINTR || got == -EAGAIN) return 0;
  if (got <= 0) {
    is_abandoned |= index == owner;
    return drop_client(index), 0;
  }
  *size = (size_t)got - 1;
  if (received[0] == ATTACH_ALL || received[0] == ATTACH_OWNER) wants_all[index] = 1;
  if (received[0] == ATTACH_OWNER) owner = index;
  if (received[0] == ATTACH_DETACH && index == owner) owner = -1;
  if (received[0] == ATTACH_INPUT && *size) {
    if (inputs[index].size) return drop_client(index), 0; /* it did not wait for ATTACH_TAKEN */
    memcpy(input_text[index], received + 1, *size);
    inputs[index].size = *size;
  }
  memcpy(message, received + 1, *size < ATTACH_SHORT ? *size : ATTACH_SHORT);
  return (u8)received[0];
}

/* Whether the owner was killed. */
int attach_is_abandoned(void) { return is_abandoned; }

/* Returns whether there is an owner. */
int attach_notify_owner(u8 kind) {
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

/* Writes clients' input to the container, as much as fits without blocking. `fd` < 0: discards it. */
void attach_write_input(int fd) {
  for (int i = 0; i < MAX_CLIENTS; i++) {
    if (!inputs[i].size) continue;
    long wrote = fd < 0 ? -EPIPE : sys_write(fd, input_text[i] + inputs[i].at, inputs[i].size - inputs[i].at);
    if (wrote == -EAGAIN || wrote == -EINTR) return;
    inputs[i].at = wrote < 0 ? inputs[i].size : inputs[i].at + (size_t)wrote;
    if (inputs[i].at < inputs[i].size) return;
    inputs[i].size = inputs[i].at = 0;
    if (clients[i] >= 0) send_to(i, (char[]){ATTACH_TAKEN}, 1);
  }
}
