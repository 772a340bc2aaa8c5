/* Asks a server in the network namespace that we are in whether it works: the steps of a health check that needs no program of the
 * container. What the server sends is not trusted. */
#include "init.h"
#include "program.h"
#include "sockets.h"

#include <linux/fcntl.h>

enum { SOCK_STREAM = 1, LINE_SIZE = 128 };

static void say(const char *text, u64 size) { sys_write(1, text, size); }

static int fail(const char *why, u64 size) {
  say(why, size);
  return 1;
}
#define FAIL(why) fail(why "\n", sizeof why)

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether it is `HTTP/1.1 200`: a status from 200 to 399. */
static int is_success(const char *line, u64 size) {
  const char *start = "HTTP/";
  u64 i = 0;
  for (; start[i]; i++)
    if (i >= size || line[i] != start[i]) return 0;
  while (i < size && line[i] != ' ') i++;
  if (i + 3 >= size || !is_digit(line[i + 2]) || !is_digit(line[i + 3])) return 0;
  return line[i + 1] == '2' || line[i + 1] == '3';
}

/* Reads the first line of the answer, or as much of it as there is room for. */
static u64 read_line(int fd, char *line) {
  u64 size = 0;
  while (size < LINE_SIZE) {
    long got = sys_receive(fd, line + size, LINE_SIZE - size, 0);
    if (got <= 0) break;
    for (long i = 0; i < got; i++, size++)
      if (line[size] == '\r' || line[size] == '\n') return size;
  }
  return size;
}

/* `address` is for connect(2). Without a request, a connection is enough. Returns the exit code of the check. */
int probe(const void *address, u32 size, const char *request, u32 length) {
  char line[LINE_SIZE];
  long fd = SYSCALL3(__NR_socket, *(const unsigned short *)address, SOCK_STREAM | O_CLOEXEC, 0);
  if (fd < 0) return FAIL("there is no socket");
  if (SYSCALL3(__NR_connect, fd, address, size) < 0) return FAIL("nobody answers at the port");
  if (!length) return 0;
  for (u32 sent = 0; sent < length;) {
    long count = sys_send((int)fd, request + sent, length - sent, 0);
    if (count <= 0) return FAIL("the server does not read the request");
    sent += (u32)count;
  }
  u64 end = read_line((int)fd, line);
  say(line, end);
  say("\n", 1);
  return !is_success(line, end);
}
