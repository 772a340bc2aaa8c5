/* The monitor's socket for those who watch a detached container (foster attach). One that does not keep up for a
 * second is let go: the container must not wait for it, and the log has everything. */
#include "init.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#define AF_UNIX 1
#define SOCK_SEQPACKET 5
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define PATIENCE_MS 1000

static int listener = -1;
static int clients[MAX_CLIENTS] = {-1, -1, -1, -1, -1, -1, -1, -1};

/* The socket's path may be longer than an address holds (108 bytes), so it is bound from its folder: unix(7). */
void attach_open(void) {
  struct {
    unsigned short family;
    char path[8];
  } address = {AF_UNIX, "attach"};
  listener = (int)SYSCALL3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK, 0);
  if (listener < 0 || SYSCALL1(__NR_fchdir, FD_RUNTIME) < 0) return;
  SYSCALL3(__NR_unlinkat, AT_FDCWD, "attach", 0);
  SYSCALL3(__NR_bind, listener, &address, sizeof address);
  SYSCALL2(__NR_listen, listener, MAX_CLIENTS);
  SYSCALL1(__NR_chdir, "/");
}

int attach_listener(void) { return listener; }

int attach_client(int index) { return clients[index]; }

static void let_go(int index) {
  sys_close(clients[index]);
  clients[index] = -1;
}

void attach_accept(void) {
  long fd = SYSCALL4(__NR_accept4, listener, NULL, NULL, O_CLOEXEC);
  if (fd < 0) return;
  for (int i = 0; i < MAX_CLIENTS; i++) {
    if (clients[i] >= 0) continue;
    clients[i] = (int)fd;
    return;
  }
  sys_close((int)fd);
}

/* Returns 0 when the client has gone. */
int attach_receive(int index, struct client_input *input) {
  u8 message[ATTACH_CHUNK + 1];
  long size = sys_read(clients[index], message, sizeof message);
  if (size <= 0) {
    if (size != -EINTR && size != -EAGAIN) let_go(index);
    return 0;
  }
  input->kind = message[0];
  input->size = (size_t)size - 1;
  memcpy(input->data, message + 1, input->size);
  return 1;
}

static int send_message(int fd, const char *message, size_t size) {
  for (;;) {
    long sent = syscall6(__NR_sendto, fd, (long)message, (long)size, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    if (sent >= 0) return 1;
    if (sent == -EINTR) continue;
    if (sent != -EAGAIN) return 0;
    struct pollfd poll = {.fd = fd, .events = POLLOUT};
    s64 patience[2] = {PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000000};
    if (SYSCALL5(__NR_ppoll, &poll, 1, patience, NULL, 8) <= 0) return 0;
  }
}

/* To all. The byte before `data` must be ours to write: every buffer that is sent has room there for the kind. */
void attach_send(u8 kind, char *data, size_t size) {
  for (size_t at = 0; at < size || size == 0; at += ATTACH_CHUNK) {
    size_t part = size - at < ATTACH_CHUNK ? size - at : ATTACH_CHUNK;
    char kept = data[(long)at - 1];
    data[(long)at - 1] = (char)kind;
    for (int i = 0; i < MAX_CLIENTS; i++)
      if (clients[i] >= 0 && !send_message(clients[i], data + at - 1, part + 1)) let_go(i);
    data[(long)at - 1] = kept;
    if (size == 0) return;
  }
}
