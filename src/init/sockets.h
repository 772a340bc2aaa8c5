/* Socket calls, and constants that the kernel's headers do not have: socket(2), unix(7). */
#ifndef FOSTER_SOCKETS_H
#define FOSTER_SOCKETS_H

#include "sys.h"

#include <asm-generic/errno.h>
#include <asm/socket.h>
#include <linux/fcntl.h>

#define AF_UNIX 1
#define AF_NETLINK 16
#define AF_PACKET 17
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SCM_RIGHTS 1
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000

static inline long sys_socketpair(int ends[2]) {
  return SYSCALL4(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, ends);
}
static inline long sys_send(int socket, const void *data, size_t size, int flags) {
  return syscall6(__NR_sendto, socket, (long)data, (long)size, flags | MSG_NOSIGNAL, 0, 0);
}
static inline long sys_receive(int socket, void *buffer, size_t size, int flags) {
  return syscall6(__NR_recvfrom, socket, (long)buffer, (long)size, flags, 0, 0);
}

/* Receives one message. If the other end was closed before all of our messages were read there, the kernel tells that once, by
 * ECONNRESET, before it gives the messages that were sent from there: unix_release_sock() in net/unix/af_unix.c. */
static inline long receive_message(int socket, void *buffer, size_t size, int flags) {
  long got = sys_receive(socket, buffer, size, flags);
  return got == -ECONNRESET ? sys_receive(socket, buffer, size, flags) : got;
}

#endif
