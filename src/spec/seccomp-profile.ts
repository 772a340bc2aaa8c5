import type { Seccomp, SeccompArg, SeccompSyscall } from './types.js';

/**
 * System calls that every container may use: Docker's default profile, in groups. Each group has the names of all
 * architectures, including 32-bit ones; names that an architecture does not have are ignored.
 */
const ALLOWED = [
  // processes: starting programs, exiting, waiting, ids
  'execve execveat exit exit_group fork vfork wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid getsid',
  'setsid set_tid_address set_robust_list get_robust_list rseq restart_syscall prctl getcpu times getrusage uname',
  'sysinfo umask getrandom arch_prctl set_thread_area get_thread_area modify_ldt uretprobe',
  // credentials; the kernel checks each change against capabilities(7)
  'getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32',
  'getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid',
  'setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset',
  // memory
  'brk mmap mmap2 munmap mprotect mremap madvise mincore msync mlock mlock2 mlockall munlock munlockall membarrier',
  'remap_file_pages memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect map_shadow_stack mseal',
  // opening, reading and writing files
  'open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev pwrite64 pwritev',
  'pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 flock ioctl pipe pipe2 splice tee vmsplice sendfile sendfile64',
  'copy_file_range fallocate truncate truncate64 ftruncate ftruncate64 readahead fadvise64 fadvise64_64 sync syncfs',
  'fsync fdatasync sync_file_range cachestat',
  // names and attributes of files; reading mounts
  'stat stat64 fstat fstat64 lstat lstat64 fstatat64 newfstatat statx access faccessat faccessat2 chmod fchmod',
  'fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat utime utimes futimesat utimensat',
  'utimensat_time64 link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir',
  'mkdirat rmdir mknod mknodat chdir fchdir getcwd getdents getdents64 statfs statfs64 fstatfs fstatfs64 statmount',
  'listmount name_to_handle_at getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat',
  'listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat inotify_init',
  'inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark',
  // waiting for events
  'select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl',
  'epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 io_setup io_submit io_cancel',
  'io_getevents io_pgetevents io_pgetevents_time64 io_destroy futex futex_time64 futex_waitv futex_wait futex_wake',
  'futex_requeue',
  // signals and other processes: limited by the PID namespace and the kernel's own checks
  'kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend',
  'rt_sigtimedwait rt_sigtimedwait_time64 rt_sigreturn sigreturn sigprocmask sigaltstack signalfd signalfd4 pause',
  'pidfd_open pidfd_send_signal process_mrelease process_vm_readv process_vm_writev ptrace',
  // time and timers; setting the clock needs a capability
  'time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep',
  'clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64 alarm getitimer setitimer timer_create',
  'timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create',
  'timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64',
  // scheduling and limits
  'sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam',
  'sched_getscheduler sched_setscheduler sched_get_priority_min sched_get_priority_max sched_rr_get_interval',
  'sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64',
  // existing sockets; socket itself has conditions
  'socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto',
  'sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall',
  // System V and POSIX IPC, which the IPC namespace confines
  'ipc semget semop semtimedop semtimedop_time64 semctl shmget shmat shmdt shmctl msgget msgsnd msgrcv msgctl mq_open',
  'mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr',
  // dropping privileges
  'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
  // specific to arm
  'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
];

/** System calls that a capability allows additionally. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN:
    'clone clone3 unshare setns mount mount_setattr umount umount2 move_mount open_tree fsopen fsconfig fsmount fspick ' +
    'sethostname setdomainname quotactl quotactl_fd syslog bpf perf_event_open fanotify_init lookup_dcookie ' +
    'lsm_get_self_attr lsm_set_self_attr lsm_list_modules',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'init_module finit_module delete_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** PER_LINUX and PER_LINUX32, with and without UNAME26; 0xffffffff only queries: personality(2). */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

/**
 * Address families of <linux/socket.h>: all below AF_ALG (38), then AF_NFC, and AF_KCM to AF_MCTP. Not AF_ALG, the
 * kernel's cryptography, which has had container escapes; not AF_VSOCK (40), which network namespaces do not confine;
 * not future ones.
 */
const FAMILIES_BELOW = 38;
const FAMILIES = [39, 41, 42, 43, 44, 45];

/** CLONE_NEW* of clone(2), except CLONE_NEWTIME, which only clone3 and unshare accept. */
const NEW_NAMESPACES = 0x7e020000;

const ENOSYS = 38;
const EPERM = 1;

/**
 * The default profile for a process with these capabilities, equivalent to Docker's: other calls fail with EPERM; new
 * namespaces, in which a process would have all capabilities, need CAP_SYS_ADMIN.
 * @param capabilities the bounding set, names such as `CAP_CHOWN`
 */
export function defaultSeccompProfile(capabilities: string[]): Seccomp {
  const granted = capabilities.flatMap((name) => BY_CAPABILITY[name]?.split(' ') ?? []);
  const names = [...ALLOWED.flatMap((group) => group.split(' ')), ...new Set(granted)];
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    syscalls: [
      { names, action: 'SCMP_ACT_ALLOW' },
      ...PERSONALITIES.map((value) => allowIf('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      allowIf('socket', { index: 0, value: FAMILIES_BELOW, op: 'SCMP_CMP_LT' }),
      ...FAMILIES.map((value) => allowIf('socket', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : CLONE_WITHOUT_NAMESPACES),
    ],
  };
}

/** clone3 has its flags in memory, which filters cannot read; without it, C libraries use clone. */
const CLONE_WITHOUT_NAMESPACES: SeccompSyscall[] = [
  allowIf('clone', { index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
];

function allowIf(name: string, condition: SeccompArg): SeccompSyscall {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [condition] };
}

/** OCI architecture names of the machines that foster runs on, with the 32-bit ABIs that they support. */
export const SECCOMP_ARCHITECTURES: Record<string, string[]> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};
