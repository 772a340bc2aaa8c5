import type { IdMapping } from '../id-maps.js';
import type {
  Capabilities,
  ConsoleSize,
  IoPriority,
  Namespace,
  Personality,
  Propagation,
  Rlimit,
  Scheduler,
  SeccompAction,
  SeccompSyscall,
  TimeOffsets,
} from '../types.js';

/**
 * The complete config.json of the OCI runtime-spec 1.2, as in the file: names, meanings and optional fields are the
 * specification's ("config.md", "config-linux.md"). foster converts it to a `Spec` (../types.ts).
 */
export interface Config {
  ociVersion: string;
  process?: ConfigProcess;
  root?: ConfigRoot;
  hostname?: string;
  domainname?: string;
  mounts?: ConfigMount[];
  hooks?: Hooks;
  annotations?: Record<string, string>;
  linux?: ConfigLinux;
}

export interface ConfigProcess {
  terminal?: boolean;
  consoleSize?: ConsoleSize;
  user?: ConfigUser;
  args?: string[];
  env?: string[];
  cwd: string;
  capabilities?: Partial<Capabilities>;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
  ioPriority?: IoPriority;
  scheduler?: Scheduler;
}

export interface ConfigUser {
  uid?: number;
  gid?: number;
  umask?: number;
  additionalGids?: number[];
}

export interface ConfigRoot {
  /** Relative to the bundle, or absolute. */
  path: string;
  readonly?: boolean;
}

export interface ConfigMount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
}

export interface Hooks {
  prestart?: Hook[];
  createRuntime?: Hook[];
  createContainer?: Hook[];
  startContainer?: Hook[];
  poststart?: Hook[];
  poststop?: Hook[];
}

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

export interface ConfigLinux {
  devices?: Device[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  namespaces?: Namespace[];
  sysctl?: Record<string, string>;
  resources?: Resources;
  cgroupsPath?: string;
  rootfsPropagation?: Propagation;
  seccomp?: ConfigSeccomp;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
  personality?: Personality;
  intelRdt?: IntelRdt;
  timeOffsets?: TimeOffsets;
}

export interface Device {
  type: 'c' | 'b' | 'u' | 'p';
  path: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface IntelRdt {
  closID?: string;
  l3CacheSchema?: string;
  memBwSchema?: string;
  enableCMT?: boolean;
  enableMBM?: boolean;
}

export interface ConfigSeccomp {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompSyscall[];
}

export interface Resources {
  devices?: DeviceRule[];
  memory?: MemoryLimits;
  cpu?: CpuLimits;
  pids?: { limit: number };
  blockIO?: BlockIoLimits;
  hugepageLimits?: { pageSize: string; limit: number }[];
  network?: { classID?: number; priorities?: { name: string; priority: number }[] };
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>;
  unified?: Record<string, string>;
}

export interface DeviceRule {
  allow: boolean;
  type?: 'a' | 'b' | 'c';
  major?: number;
  minor?: number;
  access?: string;
}

/** In bytes. */
export interface MemoryLimits {
  limit?: number;
  reservation?: number;
  swap?: number;
  kernel?: number;
  kernelTCP?: number;
  swappiness?: number;
  disableOOMKiller?: boolean;
  useHierarchy?: boolean;
  checkBeforeUpdate?: boolean;
}

export interface CpuLimits {
  shares?: number;
  quota?: number;
  burst?: number;
  period?: number;
  realtimeRuntime?: number;
  realtimePeriod?: number;
  cpus?: string;
  mems?: string;
  idle?: number;
}

export interface BlockIoLimits {
  weight?: number;
  leafWeight?: number;
  weightDevice?: { major: number; minor: number; weight?: number; leafWeight?: number }[];
  throttleReadBpsDevice?: ThrottledDevice[];
  throttleWriteBpsDevice?: ThrottledDevice[];
  throttleReadIOPSDevice?: ThrottledDevice[];
  throttleWriteIOPSDevice?: ThrottledDevice[];
}

export interface ThrottledDevice {
  major: number;
  minor: number;
  rate: number;
}
