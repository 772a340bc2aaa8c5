import type { IdMapping } from './id-maps.js';

export type { IdMapping };

/**
 * The specification of a container: the OCI runtime-spec's config.json (v1.2), validated, with all defaults filled in,
 * absolute paths, and only features that foster supports. Field names and meanings are the specification's. The file
 * format, in which nearly everything is optional, is in oci/config.ts.
 */
export interface Spec {
  ociVersion: string;
  process: Process;
  root: Root;
  hostname?: string;
  domainname?: string;
  mounts: Mount[];
  linux: Linux;
  annotations?: Record<string, string>;
}

export interface Process {
  /** Whether a new pseudo-terminal becomes stdin, stdout and stderr. */
  terminal: boolean;
  user: User;
  args: string[];
  /** `NAME=value`, in order; the last of a name wins. */
  env: string[];
  /** Absolute path inside the container. */
  cwd: string;
  capabilities: Capabilities;
  rlimits: Rlimit[];
  noNewPrivileges: boolean;
  /** Size of the terminal, until an attached client sets another one. */
  consoleSize?: ConsoleSize;
  oomScoreAdj?: number;
  ioPriority?: IoPriority;
  scheduler?: Scheduler;
}

export interface User {
  uid: number;
  gid: number;
  additionalGids: number[];
  umask?: number;
}

/** In characters. */
export interface ConsoleSize {
  height: number;
  width: number;
}

/** ioprio_set(2). */
export interface IoPriority {
  class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  priority?: number;
}

export type SchedulerPolicy =
  | 'SCHED_OTHER'
  | 'SCHED_FIFO'
  | 'SCHED_RR'
  | 'SCHED_BATCH'
  | 'SCHED_ISO'
  | 'SCHED_IDLE'
  | 'SCHED_DEADLINE';

export type SchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX';

/** sched_setattr(2); times in nanoseconds. */
export interface Scheduler {
  policy: SchedulerPolicy;
  nice?: number;
  priority?: number;
  flags?: SchedulerFlag[];
  runtime?: number;
  deadline?: number;
  period?: number;
}

/** Capability names such as `CAP_CHOWN`, a list for each of the sets of capabilities(7). */
export interface Capabilities {
  bounding: string[];
  effective: string[];
  inheritable: string[];
  permitted: string[];
  ambient: string[];
}

/** setrlimit(2): `type` is a name such as `RLIMIT_NOFILE`; -1 means unlimited. */
export interface Rlimit {
  type: string;
  soft: number;
  hard: number;
}

export interface Root {
  /** Absolute path on the host. */
  path: string;
  readonly: boolean;
}

export interface Mount {
  /** Absolute path inside the container. */
  destination: string;
  /** `bind`, or a file system type such as `proc`, `tmpfs`, `sysfs`, `devpts`, `mqueue`. */
  type: string;
  /** For a bind: absolute path on the host. */
  source: string;
  /** Options of mount(8): `ro`, `nosuid`, `rbind`, `mode=1777`, `size=64m` ... */
  options: string[];
}

export type NamespaceType = 'user' | 'pid' | 'mount' | 'network' | 'uts' | 'ipc' | 'cgroup' | 'time';

/** A namespace to create or, with `path`, to join. A type not listed is shared with the host. */
export interface Namespace {
  type: NamespaceType;
  path?: string;
}

export interface Linux {
  namespaces: Namespace[];
  uidMappings: IdMapping[];
  gidMappings: IdMapping[];
  sysctl: Record<string, string>;
  resources?: Resources;
  /** The path of its cgroup: `/parent/name` or, with systemd, `slice:prefix:name`. */
  cgroupsPath?: string;
  seccomp?: Seccomp;
  maskedPaths: string[];
  readonlyPaths: string[];
  rootfsPropagation?: Propagation;
  personality?: Personality;
  timeOffsets?: TimeOffsets;
}

/** Limits of the container's cgroup; -1 means no limit. */
export interface Resources {
  memory?: {
    /** Bytes. */
    limit?: number;
    reservation?: number;
    /** Memory and swap together. */
    swap?: number;
    swappiness?: number;
    disableOOMKiller?: boolean;
  };
  cpu?: {
    shares?: number;
    /** Microseconds of CPU time in each `period`. */
    quota?: number;
    period?: number;
    /** Microseconds of real-time CPU time in each `realtimePeriod`. */
    realtimeRuntime?: number;
    realtimePeriod?: number;
    /** `0-2,4` */
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO?: {
    weight?: number;
    weightDevice?: { major: number; minor: number; weight: number }[];
    throttleReadBpsDevice?: Throttle[];
    throttleWriteBpsDevice?: Throttle[];
    throttleReadIOPSDevice?: Throttle[];
    throttleWriteIOPSDevice?: Throttle[];
  };
  /** What is written to files of a cgroup of version 2, by their names. */
  unified?: Record<string, string>;
}

/** The limit of a block device, in bytes or operations per second. */
export interface Throttle {
  major: number;
  minor: number;
  rate: number;
}

/** mount_namespaces(7), "Shared subtrees"; with an `r`, it applies to all mounts below, too. */
export type Propagation =
  | 'private'
  | 'rprivate'
  | 'slave'
  | 'rslave'
  | 'shared'
  | 'rshared'
  | 'unbindable'
  | 'runbindable';

export interface Personality {
  domain: 'LINUX' | 'LINUX32';
  flags?: string[];
}

/** time_namespaces(7). */
export interface TimeOffsets {
  monotonic?: TimeOffset;
  boottime?: TimeOffset;
}

export interface TimeOffset {
  secs?: number;
  nanosecs?: number;
}

export type SeccompAction =
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_LOG';

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

export interface SeccompArg {
  index: number;
  value: number;
  valueTwo?: number;
  op: SeccompOperator;
}

export interface SeccompSyscall {
  names: string[];
  action: SeccompAction;
  errnoRet?: number;
  args?: SeccompArg[];
}

export interface Seccomp {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  architectures?: string[];
  syscalls: SeccompSyscall[];
}
