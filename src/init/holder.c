/* The network holder: PID 1 of a PID namespace, in a user namespace above those of containers and in the network namespace
 * that connects them. It only keeps these namespaces in existence, for as long as a process holds the lock of the user's
 * networks. Programs that belong to it, such as pasta and dnsmasq, are in its PID namespace and end with it. */
#include "init.h"
#include "program.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/wait.h>

/* Descriptors: FD_CONTROL, a socket on which the starter reports that the ids are mapped; FD_BLOB, the lock file, whose text
 * describes the holder. We empty the file before we end and release the lock. */
int run_network_holder(void) {
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-network");
  SYSCALL0(__NR_setsid);
  SYSCALL1(__NR_chdir, "/");
  u64 ignored[4] = {(u64)SIG_IGN, 0, 0, 0}; /* the kernel reaps children: wait(2), "SIGCHLD" */
  SYSCALL4(__NR_rt_sigaction, SIGCHLD, ignored, NULL, 8);
  if (await_byte(CONTROL_RESUME)) return 125;
  sys_close(FD_CONTROL);
  struct flock exclusive = {.l_type = F_WRLCK}; /* for the whole file */
  while (SYSCALL3(__NR_fcntl, FD_BLOB, F_OFD_SETLKW, &exclusive) < 0) {}
  SYSCALL2(__NR_ftruncate, FD_BLOB, 0);
  return 0;
}

void sleep_ms(s64 ms) {
  s64 time[2] = {ms / 1000, ms % 1000 * 1000000};
  SYSCALL2(__NR_nanosleep, time, NULL);
}

/* Reduces the capabilities. Programs that read data from containers get only those that they need in the user namespace above. */
void limit_capabilities(u64 mask) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  SYSCALL2(__NR_capget, &header, data);
  for (int i = 0; i < 2; i++) {
    u32 part = (u32)(mask >> 32 * i);
    data[i].permitted &= part, data[i].effective &= part, data[i].inheritable &= part;
  }
  SYSCALL2(__NR_capset, &header, data);
}

static _Noreturn void execute(char **argv, u64 capabilities) {
  const char *environment[] = {NULL};
  for (int fd = FD_CONTROL; fd <= FD_ENTERED; fd++) sys_close(fd);
  limit_capabilities(capabilities);
  keep_capabilities();
  syscall6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
  sys_block_signals(0);
  SYSCALL3(__NR_execve, argv[0], argv + 1, environment);
  sys_exit(127);
}

static _Noreturn void fail(int status, long error) {
  report(REPORT_FAILED, (u32)status, -error, 0, NULL);
  sys_exit(125);
}

/* Starts a program that goes into the background when it is ready, such as pasta. We are PID 1 of a PID namespace, so the background
 * process becomes our child, and ends with us. Returns 0 when it is ready, or -errno; `status` is how it has exited instead. */
long service_start(char **argv, u64 capabilities, int *status) {
  *status = 0;
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) execute(argv, capabilities);
  if (pid < 0) return pid;
  SYSCALL4(__NR_wait4, pid, status, 0, NULL);
  return *status ? -EIO : 0;
}

/* Waits until the program has ended. */
static void service_wait(void) {
  while (SYSCALL4(__NR_wait4, -1, NULL, 0, NULL) >= 0) {}
}

/* Runs such a program, and starts it again when it has ended. */
static _Noreturn void serve(char **argv, u64 capabilities) {
  enum { RETRY_MS = 1000 };
  for (int is_first = 1;; is_first = 0) {
    int status;
    long error = service_start(argv, capabilities, &status);
    if (is_first && error) fail(status, error);
    if (is_first) sys_close(FD_CONTROL); /* ready */
    service_wait();
    sleep_ms(RETRY_MS);
  }
}

/* Continues in a child, which is in the PID namespace that we have entered or made. The parent exits. */
static void become_child(int waits) {
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) fail(0, pid);
  if (pid && waits) SYSCALL4(__NR_wait4, pid, NULL, 0, NULL);
  if (pid) sys_exit(0);
}

/* Continues as a child of the network holder, whose PID namespace we have entered. The holder can end only when all processes
 * in its PID namespace are reaped, and it reaps its children. A child of ours would keep its parent outside of that namespace,
 * so a grandchild continues: it becomes an orphan in the namespace, and the holder adopts it. */
void become_orphan(void) {
  become_child(1);
  become_child(0);
}

/* Shows the program the network namespace that it will enter, as the file 0/netns/foster in a new file system at `top`, in our
 * own mount namespace. After dropping its rights, the program may not open the one below /proc/PID. */
static void show_namespace(int fd, const char *top) {
  char source[40];
  append_number(append(source, "/proc/self/fd/"), (u64)fd);
  long error = SYSCALL1(__NR_unshare, CLONE_NEWNS);
  if (!error) error = SYSCALL5(__NR_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  if (!error) error = SYSCALL5(__NR_mount, "tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700");
  if (!error) error = SYSCALL1(__NR_chdir, top);
  if (!error) error = SYSCALL3(__NR_mkdirat, AT_FDCWD, "0", 0700);
  if (!error) error = SYSCALL3(__NR_mkdirat, AT_FDCWD, "0/netns", 0700);
  long file = error ? error : sys_openat(AT_FDCWD, "0/netns/foster", O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
  if (file >= 0) error = SYSCALL5(__NR_mount, source, "0/netns/foster", NULL, MS_BIND, NULL);
  if (file < 0 || error) fail(0, file < 0 ? file : error);
  SYSCALL1(__NR_chdir, "/");
  sys_close(fd), sys_close((int)file);
}

/* Continues in a child, which is in the PID namespace that we have made, and which ends with us, as we end with our parent: the
 * process that holds the other end of FD_CONTROL, for now. */
static void become_bound_child(void) {
  SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  struct pollfd parents[2] = {{.fd = FD_CONTROL}, {.fd = (int)SYSCALL2(__NR_pidfd_open, sys_getpid(), 0), .events = POLLIN}};
  s64 now[2] = {0, 0};
  SYSCALL5(__NR_ppoll, parents, 1, now, NULL, 8);
  if (parents[0].revents & POLLHUP) sys_exit(125);
  int status = 0;
  long pid = SYSCALL5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid < 0 || parents[1].fd < 0) fail(0, pid < 0 ? pid : parents[1].fd);
  if (pid) {
    sys_close_range(FD_CONTROL);
    SYSCALL4(__NR_wait4, pid, &status, 0, NULL);
    sys_exit(125);
  }
  SYSCALL2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  SYSCALL5(__NR_ppoll, parents + 1, 1, now, NULL, 8);
  if (parents[1].revents) sys_exit(125);
  sys_close(parents[1].fd);
}

/* The caller may be nobody in the user namespace of a container, such as root of the machine: nobody can make files there. */
static void become_somebody(void) {
  enum { NOBODY = 65534 }; /* /proc/sys/kernel/overflowuid */
  if (SYSCALL0(__NR_getuid) != NOBODY) return;
  SYSCALL2(__NR_setgroups, 0, NULL);
  SYSCALL3(__NR_setresgid, 0, 0, 0);
  SYSCALL3(__NR_setresuid, 0, 0, 0);
}

/* argv: our name, "attend", TOP, PATH, then the program's name and arguments. Runs a program that ends with a container: it sees
 * the network namespace of the process of FD_PIDFD, PID 1 of that one, as TOP/0/netns/foster, and is in its user namespace, but not in its PID
 * namespace. A failure is reported as by run_service. */
int run_attendant(char **argv) {
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  SYSCALL0(__NR_setsid); /* a Ctrl-C at the terminal is for the container */
  long netns = open_network_inside(FD_PIDFD);
  if (netns < 0) fail(0, netns);
  long error = SYSCALL2(__NR_setns, FD_PIDFD, CLONE_NEWUSER);
  if (error) fail(0, error);
  become_somebody();
  SYSCALL2(__NR_prctl, PR_SET_DUMPABLE, 0); /* else root in the container could trace us */
  SYSCALL1(__NR_chdir, "/");
  show_namespace((int)netns, argv[2]);
  error = SYSCALL1(__NR_unshare, CLONE_NEWPID);
  if (error) fail(0, error);
  become_bound_child();
  serve(argv + 3, ~(u64)0);
}

/* Runs a program to its end. */
static _Noreturn void run_once(char **argv) {
  int status;
  long error = service_start(argv, ~(u64)0, &status);
  if (error) fail(status, error);
  sys_exit(0);
}

/* argv: our name, "serve", NAMESPACES, TOP, PATH, then the program's name and arguments. NAMESPACES: 'u', 'n' and 'p', the namespaces
 * of the network holder (FD_ENTERED) to enter; with 'b' the program gets only the right to use ports below 1024; with '1' it runs
 * once; with 'w' it waits for the first packet that leaves the holder's network namespace, and another word comes before TOP: the folder in
 * which to say why it has failed. The program sees that namespace as TOP/0/netns/foster; TOP is `-` if it need not. A failure is
 * reported on FD_CONTROL, which closes when the program is ready, or waits, or has ended. */
int run_service(char **argv) {
  int is_limited = 0, waits = 0, is_once = 0;
  for (const char *letter = argv[2]; *letter; letter++) is_limited |= *letter == 'b', waits |= *letter == 'w', is_once |= *letter == '1';
  SYSCALL3(__NR_fcntl, FD_CONTROL, F_SETFD, FD_CLOEXEC);
  const char *folder = argv[3];
  int namespaces = namespaces_of(argv[2]);
  argv += waits;
  int is_shown = !string_equal(argv[3], "-");
  long netns = is_shown ? open_network_inside(FD_ENTERED) : 0;
  if (netns < 0) fail(0, netns);
  long error = SYSCALL2(__NR_setns, FD_ENTERED, namespaces);
  if (error) fail(0, error);
  SYSCALL1(__NR_chdir, "/");
  if (is_once) run_once(argv + 4);
  error = waits ? outside_open((int)netns, folder) : 0;
  if (error) fail(PART_WAITING, error);
  if (is_shown) show_namespace((int)netns, argv[3]);
  become_child(1);
  SYSCALL0(__NR_setsid);
  error = SYSCALL1(__NR_unshare, CLONE_NEWPID);
  if (error) fail(0, error);
  become_child(0);
  if (waits) outside_wait(argv + 4);
  serve(argv + 4, is_limited ? (u64)1 << CAP_NET_BIND_SERVICE : ~(u64)0);
}
