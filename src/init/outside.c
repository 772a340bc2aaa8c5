/* The way to the outside before a packet takes it. pasta(1) holds 29 MB, and many containers never talk to anybody outside. So the
 * router has a second, worse route, to the interface `waiting`, whose packets we read. The first one starts pasta, whose interface has
 * the better route, and there we send what has come to ours. When pasta ends, its interface and its routes vanish, and packets come
 * to us again.
 *
 * Whatever arrives here has passed the rules for what may leave, and has the address that pasta's interface gets (router.ts), as the
 * packets have that take the better route. So it is sent as it is, and past all rules: from a packet socket, packet(7). */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <asm/ioctl.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signalfd.h>
#include <linux/sockios.h>
#include <linux/wait.h>

#define SOCK_DGRAM 2

enum { PACKET_SIZE = 65536, PACKETS_AT_ONCE = 500 /* that the queue holds */, PAUSE_MS = 1000 };
enum { PAGE = 4096 /* where it is larger, the memory of packets is not given back */ };

struct interface { /* struct ifreq */
  char name[16];
  union {
    s32 number;
    short flags;
    u64 room[3];
  };
};

static int waiting, sender, networks /* their folder */;
u8 packet[PACKET_SIZE] LARGE;

struct opening {
  int netns;
  long outcome;
};

static long open_all(void) {
  struct interface device = {.name = WAITING_DEVICE, .flags = IFF_TUN | IFF_NO_PI};
  u32 index = WAITING_INDEX;
  waiting = (int)sys_openat(AT_FDCWD, "/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (waiting < 0) return waiting;
  long error = sys_ioctl(waiting, TUNSETIFINDEX, &index);
  if (!error) error = sys_ioctl(waiting, TUNSETIFF, &device);
  if (error) return error;
  sender = (int)SYSCALL3(__NR_socket, AF_PACKET, SOCK_DGRAM | O_CLOEXEC, 0);
  return sender < 0 ? sender : 0;
}

static void open_inside(void *argument) {
  struct opening *opening = argument;
  opening->outcome = SYSCALL2(__NR_setns, opening->netns, CLONE_NEWNET);
  if (!opening->outcome) opening->outcome = open_all();
  sys_exit(0);
}

/* Makes the interface `waiting` in that network namespace, which is then to be configured: src/network/outside.ts. pasta must start in
 * ours, to which we could not return, so a child enters. It shares our memory and descriptors. Returns -errno on failure. */
long outside_open(int netns, const char *folder) {
  struct opening opening = {.netns = netns, .outcome = -ESRCH};
  networks = (int)sys_openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0); /* without it, failures stay unknown */
  long error = run_in_child(CLONE_FILES, open_inside, &opening);
  return error ? error : opening.outcome;
}

/* pasta gets all rights in the holder's user namespace, of which it keeps next to none. Meanwhile we use none. */
static void rest_rights(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  SYSCALL2(__NR_capget, &header, data);
  data[0].effective = data[1].effective = 0;
  SYSCALL2(__NR_capset, &header, data);
}

/* The protocol of a packet for another machine, in network byte order; 0 for any other packet, such as those that the kernel itself
 * sends to all on a link. */
static __be16 protocol_of(long size) {
  const u8 *to = packet + 24; /* of IPv6 */
  if (size >= 20 && packet[0] >> 4 == 4) return packet[16] < 224 /* multicast and above */ ? __builtin_bswap16(ETH_P_IP) : 0;
  if (size < 40 || packet[0] >> 4 != 6) return 0;
  return to[0] == 0xff || (to[0] == 0xfe && (to[1] & 0xc0) == 0x80) ? 0 : __builtin_bswap16(ETH_P_IPV6);
}

/* Reads the next packet for another machine. Returns its size; 0 if none waits. */
static long next_packet(void) {
  for (;;) {
    long size = sys_read(waiting, packet, PACKET_SIZE);
    if (size == -EAGAIN) return 0;
    if (size < 0 && size != -EINTR) sys_exit(0); /* the interface was deleted */
    if (size > 0 && protocol_of(size)) return size;
  }
}

/* Sends pasta the packet of that size, and those behind it. The interface has no other end than pasta's, so it does not matter to
 * whom the frames are addressed. It may be in use already, so its settings stay as they are: while the length of its queue is
 * changed, for one, the kernel drops what is sent (dev_deactivate() in net/sched/sch_generic.c). Returns 0 if there is no such interface. */
static int carry(long size) {
  struct interface outside = {.name = OUTSIDE_DEVICE};
  if (sys_ioctl(sender, SIOCGIFINDEX, &outside)) return 0;
  for (u32 i = 0; size && i < PACKETS_AT_ONCE; i++, size = next_packet()) {
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = protocol_of(size),
        .sll_ifindex = outside.number,
        .sll_halen = ETH_ALEN,
        .sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    };
    SYSCALL6(__NR_sendto, sender, packet, size, 0, &to, sizeof to);
  }
  return 1;
}

static void drop_all(void) {
  for (u32 i = 0; i < PACKETS_AT_ONCE && next_packet(); i++) {}
}

/* Standard error is a file in memory of a fixed size: src/launch/host-steps.ts. */
static void forget_words(void) {
  static const char nothing[1];
  SYSCALL4(__NR_pwrite64, 2, nothing, 1, 0);
  SYSCALL3(__NR_lseek, 2, 0, 0);
}

/* Says why pasta has failed, for the next command that connects a container. */
static void note_failure(int status) {
  char text[256];
  long size = SYSCALL4(__NR_pread64, 2, text, sizeof text, 0), length = 0;
  while (length < size && text[length] && text[length] != '\n') length++;
  int signal = status & 0x7f;
  if (!length) length = append_number(append(text, signal ? "killed by signal " : "exit code "), (u64)(signal ? signal : status >> 8 & 0xff)) - text;
  long file = sys_openat(networks, OUTSIDE_FAILURE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return;
  sys_write((int)file, text, (size_t)length);
  sys_close((int)file);
}

/* Of packets: the pages that have nothing else. */
static void give_back_memory(void) {
  u64 start = ((u64)packet + PAGE - 1) & ~(u64)(PAGE - 1), end = ((u64)packet + PACKET_SIZE) & ~(u64)(PAGE - 1);
  SYSCALL3(__NR_madvise, start, end - start, MADV_DONTNEED);
}

/* Waits until pasta has ended. Until then, a packet comes here if its way was chosen before pasta's was there, or when that is gone
 * already. Returns the size of the latter, which is the first for the next pasta; 0 if none came. */
static long wait_for_end(int children) {
  struct pollfd polls[2] = {{.fd = children, .events = POLLIN}, {.fd = waiting, .events = POLLIN}};
  struct signalfd_siginfo signal;
  long size = 0;
  for (long pid; (pid = SYSCALL4(__NR_wait4, -1, NULL, WNOHANG, NULL)) >= 0;) {
    if (pid || SYSCALL5(__NR_ppoll, polls, 2, NULL, NULL, 8) <= 0) continue;
    if (polls[0].revents) sys_read(children, &signal, sizeof signal);
    if (polls[1].revents) size = next_packet();
    if (size && !carry(size)) polls[1].fd = -1; /* it stays in `packet` */
    else if (size) size = 0, give_back_memory();
  }
  return size;
}

/* argv: the path of pasta, its name and its arguments. FD_CONTROL closes when we wait. */
_Noreturn void outside_wait(char **argv) {
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-outside");
  rest_rights();
  sys_close(FD_ENTERED), sys_close(FD_CONTROL);
  sigset children = signal_bit(SIGCHLD);
  sys_block_signals(children);
  int ends = (int)SYSCALL4(__NR_signalfd4, -1, &children, 8, O_CLOEXEC | O_NONBLOCK);
  for (long size = 0;;) {
    struct pollfd arrival = {.fd = waiting, .events = POLLIN};
    int status;
    if (!size) SYSCALL5(__NR_ppoll, &arrival, 1, NULL, NULL, 8), size = next_packet();
    if (!size) continue;
    s64 began = now_ms();
    forget_words();
    if (service_start(argv, ~(u64)0, &status)) {
      if (status) note_failure(status);
      drop_all();
    } else {
      SYSCALL3(__NR_unlinkat, networks, OUTSIDE_FAILURE, 0);
      carry(size);
    }
    give_back_memory();
    size = wait_for_end(ends);
    s64 rest = began + PAUSE_MS - now_ms();
    if (rest > 0) sleep_ms(rest);
  }
}
