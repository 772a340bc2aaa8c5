/* The caller's terminal, while the container has one of its own: raw, so that every key goes to the container, and
 * restored whenever we stop or exit. */
#include "init.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

struct window {
  unsigned short rows, columns, x, y;
};

struct message_header {
  void *name;
  int name_size;
  struct iovec *vectors;
  size_t vector_count;
  void *control;
  size_t control_size;
  u32 flags;
};

static struct termios saved;
static int is_saved, is_raw;

/* Receives the terminal's master, which PID 1's plan sends over this socket. Negative if none was sent. */
int terminal_receive(int socket) {
  struct {
    size_t size;
    int level, type, fd, padding;
  } control;
  char byte;
  struct iovec vector = {&byte, 1};
  struct message_header header = {.vectors = &vector, .vector_count = 1, .control = &control, .control_size = sizeof control};
  long got = SYSCALL3(__NR_recvmsg, socket, &header, MSG_CMSG_CLOEXEC);
  sys_close(socket);
  if (got != 1 || header.control_size < sizeof control - sizeof(int)) return -1;
  if (control.level != SOL_SOCKET || control.type != SCM_RIGHTS) return -1;
  /* A blocking write of input would deadlock with a program that reads it only after its output was read. */
  SYSCALL3(__NR_fcntl, control.fd, F_SETFL, O_RDWR | O_NONBLOCK);
  return control.fd;
}

/* A background job must not change the terminal while the foreground job uses it. */
static void wait_for_foreground(void) {
  int group;
  while (sys_ioctl(0, TIOCGPGRP, &group) == 0 && group != SYSCALL1(__NR_getpgid, 0))
    sys_kill((int)sys_getpid(), SIGSTOP);
}

void terminal_raw(void) {
  wait_for_foreground();
  if (!is_saved && sys_ioctl(0, TCGETS, &saved) < 0) return;
  is_saved = 1;
  struct termios raw = saved;
  raw.c_iflag &= ~(u32)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_oflag &= ~(u32)OPOST;
  raw.c_lflag &= ~(u32)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  raw.c_cflag = (raw.c_cflag & ~(u32)(CSIZE | PARENB)) | CS8;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  sys_ioctl(0, TCSETS, &raw);
  is_raw = 1;
  janitor_notify(JANITOR_RAW);
}

/* TCSETS takes effect at once; TCSETSW waits until all output is transmitted, which may take forever. */
void terminal_restore(void) {
  if (!is_raw) return;
  sys_ioctl(0, TCSETS, &saved);
  is_raw = 0;
  janitor_notify(JANITOR_COOKED);
}

/* Updates the janitor's own copy of this state. */
void terminal_set_raw(int was_made_raw) { is_raw = was_made_raw; }

void terminal_resize(int master) {
  struct window window;
  if (sys_ioctl(0, TIOCGWINSZ, &window) == 0 || sys_ioctl(1, TIOCGWINSZ, &window) == 0)
    sys_ioctl(master, TIOCSWINSZ, &window);
}
