import { RLIMITS } from '../../sys/rlimits.js';
import type { IdMapping } from '../id-maps.js';
import { SECCOMP_ACTIONS } from '../parse/seccomp-file.js';
import type {
  Capabilities,
  ConsoleSize,
  IoPriority,
  Namespace,
  Personality,
  Rlimit,
  Scheduler,
  SeccompArg,
  SeccompSyscall,
  TimeOffset,
  TimeOffsets,
} from '../types.js';
import type {
  BlockIoLimits,
  Config,
  ConfigLinux,
  ConfigMount,
  ConfigProcess,
  ConfigRoot,
  ConfigSeccomp,
  ConfigUser,
  CpuLimits,
  Device,
  DeviceRule,
  Hook,
  Hooks,
  IntelRdt,
  MemoryLimits,
  Resources,
  ThrottledDevice,
} from './config.js';
import {
  boolean,
  configError,
  list,
  map,
  number,
  object,
  oneOf,
  type Part,
  pattern,
  type Reader,
  text,
  unsupported,
} from './reader.js';

const INT64 = 2 ** 63;
const uint16 = number(0, 0xffff);
const uint32 = number(0, 0xffffffff);
const int64 = number(-INT64, INT64);
const uint64 = number(0, 2 ** 64);
/** (uid_t)-1 means "no change" to the kernel. */
const id = number(0, 0xfffffffe);

const absolute = pattern(/^\//, 'an absolute path');
const variable = pattern(/^[^=]+=/, 'NAME=VALUE');

const idMapping: Reader<IdMapping> = object<IdMapping>(
  { containerID: id, hostID: id, size: number(1, 0xffffffff) },
  'containerID',
  'hostID',
  'size',
);

const rlimit = object<Rlimit>(
  // foster writes -1 for no limit
  { type: oneOf(...Object.keys(RLIMITS)), soft: number(-1, 2 ** 64), hard: number(-1, 2 ** 64) },
  'type',
  'soft',
  'hard',
);

const scheduler = object<Scheduler>(
  {
    policy: oneOf(
      'SCHED_OTHER',
      'SCHED_FIFO',
      'SCHED_RR',
      'SCHED_BATCH',
      'SCHED_ISO',
      'SCHED_IDLE',
      'SCHED_DEADLINE',
    ),
    nice: number(-20, 19),
    priority: number(0, 99),
    flags: list(
      oneOf(
        'SCHED_FLAG_RESET_ON_FORK',
        'SCHED_FLAG_RECLAIM',
        'SCHED_FLAG_DL_OVERRUN',
        'SCHED_FLAG_KEEP_POLICY',
        'SCHED_FLAG_KEEP_PARAMS',
        'SCHED_FLAG_UTIL_CLAMP_MIN',
        'SCHED_FLAG_UTIL_CLAMP_MAX',
      ),
    ),
    runtime: uint64,
    deadline: uint64,
    period: uint64,
  },
  'policy',
);

const capabilitySet = list(text);

const process = object<ConfigProcess>(
  {
    terminal: boolean,
    consoleSize: object<ConsoleSize>({ height: uint16, width: uint16 }, 'height', 'width'),
    user: object<ConfigUser>({ uid: id, gid: id, umask: number(0, 0o777), additionalGids: list(id) }),
    args: list(text),
    env: list(variable),
    cwd: absolute,
    capabilities: object<Partial<Capabilities>>({
      bounding: capabilitySet,
      effective: capabilitySet,
      inheritable: capabilitySet,
      permitted: capabilitySet,
      ambient: capabilitySet,
    }),
    rlimits: list(rlimit),
    noNewPrivileges: boolean,
    apparmorProfile: text,
    selinuxLabel: text,
    oomScoreAdj: number(-1000, 1000),
    ioPriority: object<IoPriority>(
      {
        class: oneOf('IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'),
        priority: number(0, 7),
      },
      'class',
    ),
    scheduler,
  },
  'cwd',
);

const mount = object<ConfigMount>(
  {
    destination: text,
    type: text,
    source: text,
    options: list(text),
    uidMappings: list(idMapping),
    gidMappings: list(idMapping),
  },
  'destination',
);

const hooks = list(
  object<Hook>({ path: absolute, args: list(text), env: list(variable), timeout: number(1, INT64) }, 'path'),
);

const seccompArg = object<SeccompArg>(
  {
    index: number(0, 5),
    // a larger one would have been rounded, which would make the filter wrong
    value: number(0, Number.MAX_SAFE_INTEGER),
    valueTwo: number(0, Number.MAX_SAFE_INTEGER),
    op: oneOf(
      'SCMP_CMP_NE',
      'SCMP_CMP_LT',
      'SCMP_CMP_LE',
      'SCMP_CMP_EQ',
      'SCMP_CMP_GE',
      'SCMP_CMP_GT',
      'SCMP_CMP_MASKED_EQ',
    ),
  },
  'index',
  'value',
  'op',
);

const seccompAction = (part: Part) => {
  if (part.value === 'SCMP_ACT_NOTIFY') throw unsupported(part.path, 'SCMP_ACT_NOTIFY is not supported yet');
  return oneOf(...SECCOMP_ACTIONS)(part);
};

const MAX_ERRNO = 4095;

const seccomp = object<ConfigSeccomp>(
  {
    defaultAction: seccompAction,
    defaultErrnoRet: number(0, MAX_ERRNO),
    architectures: list(pattern(/^SCMP_ARCH_[A-Z0-9_]+$/, 'a name such as SCMP_ARCH_X86_64')),
    flags: list(text),
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      object<SeccompSyscall>(
        {
          names: list(text),
          action: seccompAction,
          errnoRet: number(0, MAX_ERRNO),
          args: list(seccompArg),
        },
        'names',
        'action',
      ),
    ),
  },
  'defaultAction',
);

const throttled = list(
  object<ThrottledDevice>({ major: int64, minor: int64, rate: uint64 }, 'major', 'minor', 'rate'),
);
const weighted = list(
  object<NonNullable<BlockIoLimits['weightDevice']>[number]>(
    { major: int64, minor: int64, weight: uint16, leafWeight: uint16 },
    'major',
    'minor',
  ),
);

const resources = object<Resources>({
  devices: list(
    object<DeviceRule>(
      {
        allow: boolean,
        type: oneOf('a', 'b', 'c'),
        major: int64,
        minor: int64,
        access: pattern(/^[rwm]*$/, 'a combination of r, w and m'),
      },
      'allow',
    ),
  ),
  memory: object<MemoryLimits>({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: number(0, 200),
    disableOOMKiller: boolean,
    useHierarchy: boolean,
    checkBeforeUpdate: boolean,
  }),
  cpu: object<CpuLimits>({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: text,
    mems: text,
    idle: int64,
  }),
  pids: object<{ limit: number }>({ limit: int64 }, 'limit'),
  blockIO: object<BlockIoLimits>({
    weight: uint16,
    leafWeight: uint16,
    weightDevice: weighted,
    throttleReadBpsDevice: throttled,
    throttleWriteBpsDevice: throttled,
    throttleReadIOPSDevice: throttled,
    throttleWriteIOPSDevice: throttled,
  }),
  hugepageLimits: list(
    object<{ pageSize: string; limit: number }>({ pageSize: text, limit: uint64 }, 'pageSize', 'limit'),
  ),
  network: object<NonNullable<Resources['network']>>({
    classID: uint32,
    priorities: list(
      object<{ name: string; priority: number }>({ name: text, priority: uint32 }, 'name', 'priority'),
    ),
  }),
  rdma: map(object<{ hcaHandles?: number; hcaObjects?: number }>({ hcaHandles: uint32, hcaObjects: uint32 })),
  unified: map(text),
});

const timeOffset = object<TimeOffset>({ secs: int64, nanosecs: number(0, 999_999_999) });

const linux = object<ConfigLinux>({
  devices: list(
    object<Device>(
      {
        type: oneOf('c', 'b', 'u', 'p'),
        path: absolute,
        major: int64,
        minor: int64,
        fileMode: number(0, 0o7777),
        uid: id,
        gid: id,
      },
      'type',
      'path',
    ),
  ),
  uidMappings: list(idMapping),
  gidMappings: list(idMapping),
  namespaces: list(
    object<Namespace>(
      {
        type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'),
        path: absolute,
      },
      'type',
    ),
  ),
  sysctl: map(text),
  resources,
  cgroupsPath: text,
  rootfsPropagation: oneOf(
    'private',
    'rprivate',
    'slave',
    'rslave',
    'shared',
    'rshared',
    'unbindable',
    'runbindable',
  ),
  seccomp,
  maskedPaths: list(absolute),
  readonlyPaths: list(absolute),
  mountLabel: text,
  personality: object<Personality>({ domain: oneOf('LINUX', 'LINUX32'), flags: list(text) }, 'domain'),
  intelRdt: object<IntelRdt>({
    closID: text,
    l3CacheSchema: text,
    memBwSchema: text,
    enableCMT: boolean,
    enableMBM: boolean,
  }),
  timeOffsets: object<TimeOffsets>({ monotonic: timeOffset, boottime: timeOffset }),
});

const config = object<Config>(
  {
    ociVersion: text,
    process,
    root: object<ConfigRoot>({ path: text, readonly: boolean }, 'path'),
    hostname: text,
    domainname: text,
    mounts: list(mount),
    hooks: object<Hooks>({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    }),
    annotations: map(text),
    linux,
  },
  'ociVersion',
);

/** Larger than any real config.json. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Reads a config.json of the OCI runtime-spec 1.2.
 * @returns the config, and the paths of unknown members, which the specification requires ignoring
 * @throws FosterError with the JSON path of the error
 */
export function readConfig(document: string): { config: Config; unknown: string[] } {
  if (document.length > MAX_LENGTH) throw configError('', `it is larger than ${MAX_LENGTH} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch (cause) {
    throw configError(
      '',
      'it is not JSON',
      `check it with "jq .": ${String(cause).replace(/^SyntaxError: /, '')}`,
    );
  }
  const unknown: string[] = [];
  const read = config({ value, path: '', unknown });
  const [, major] = /^(\d+)\.\d+\.\d+/.exec(read.ociVersion) ?? [];
  if (major !== '1')
    throw configError(
      'ociVersion',
      `expected a version of the runtime-spec such as 1.2.0, not ${JSON.stringify(read.ociVersion)}`,
    );
  return { config: read, unknown };
}
