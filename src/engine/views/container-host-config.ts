import type { ContainerRecord } from '../../container/record.js';
import { readRestart } from '../../container/store.js';
import { askedOf } from './container-config.js';
import { networkModeOf } from './container-network.js';
import { portBindings } from './ports.js';

/** Limits of cgroups, which foster does not set: as Docker and Podman show that there are none. */
const NO_LIMITS = {
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  DeviceCgroupRules: null,
  DeviceRequests: null,
  DiskQuota: 0,
  KernelMemory: 0,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: 0,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  CgroupConf: null,
};

/** What Docker and Podman have and foster has not. */
const NOTHING = {
  VolumeDriver: '',
  VolumesFrom: null,
  Links: null,
  Isolation: '',
  ConsoleSize: [0, 0],
  CgroupManager: 'disabled',
  Cgroup: '',
  Cgroups: 'disabled',
};

/** `.HostConfig` of `inspect`: Docker's, with Podman's additions. */
export function hostConfigOf(record: ContainerRecord, logPath: string): Record<string, unknown> {
  const { process, root, linux } = record.spec;
  const asked = askedOf(record);
  const restart = readRestart(record.id);
  return {
    Binds: asked.binds,
    ContainerIDFile: asked.cidfile ?? '',
    LogConfig: logConfigOf(record, logPath),
    RestartPolicy: { Name: restart.policy, MaximumRetryCount: restart.max },
    AutoRemove: record.rm,
    Init: record.init,
    Runtime: 'foster',
    CapAdd: asked.capAdd.map(capability),
    CapDrop: asked.capDrop.map(capability),
    Capabilities: process.capabilities.bounding,
    Dns: record.network.dns,
    DnsOptions: record.network.dnsOptions ?? [],
    DnsSearch: record.network.dnsSearch ?? [],
    ExtraHosts: record.network.addHosts.map(({ name, address }) => `${name}:${address}`),
    GroupAdd: asked.groups,
    ...modesOf(record),
    PortBindings: portBindings(record),
    PublishAllPorts: asked.publishAll ?? false,
    OomScoreAdj: process.oomScoreAdj ?? 0,
    Privileged: asked.privileged,
    ReadonlyRootfs: root.readonly,
    SecurityOpt: [
      ...(process.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(linux.seccomp === undefined ? ['seccomp=unconfined'] : []),
      ...asked.securityOpt.filter((option) => !/^(no-new-privileges|seccomp[=:]unconfined$)/.test(option)),
    ],
    Tmpfs: asked.tmpfs,
    ShmSize: shmSizeOf(record),
    Sysctls: linux.sysctl,
    Devices: asked.devices.map(({ source, destination }) => ({
      PathOnHost: source,
      PathInContainer: destination,
      CgroupPermissions: 'rwm',
    })),
    Ulimits: process.rlimits.map(({ type, soft, hard }) => ({
      Name: type.replace('RLIMIT_', '').toLowerCase(),
      Soft: soft,
      Hard: hard,
    })),
    MaskedPaths: linux.maskedPaths,
    ReadonlyPaths: linux.readonlyPaths,
    ...NOTHING,
    ...NO_LIMITS,
  };
}

function logConfigOf({ logging }: ContainerRecord, path: string): Record<string, unknown> {
  const { driver = 'json-file', maxSize, maxFiles, tag = '' } = logging;
  return {
    Type: driver,
    Config: {
      ...(maxSize > 0 && { 'max-size': String(maxSize) }),
      ...(maxFiles > 1 && { 'max-file': String(maxFiles) }),
      ...(tag !== '' && { tag }),
    },
    Path: path,
    Tag: tag,
    Size: `${maxSize}B`,
  };
}

/** Which namespaces are the host's, in Docker's words: '' or `private` where the container has its own. */
function modesOf(record: ContainerRecord): Record<string, string> {
  const { namespaces } = record.spec.linux;
  const owns = (wanted: string) => namespaces.some(({ type }) => type === wanted);
  const pid = namespaces.find(({ type }) => type === 'pid');
  const hasMemory = record.spec.mounts.some(({ destination }) => destination === '/dev/shm');
  const cgroup = owns('cgroup') ? 'private' : 'host';
  return {
    NetworkMode: networkModeOf(record),
    PidMode:
      record.joins === undefined
        ? pid === undefined
          ? 'host'
          : (pid.path ?? '')
        : `container:${record.joins}`,
    IpcMode: owns('ipc') ? (hasMemory ? 'private' : 'none') : 'host',
    UTSMode: owns('uts') ? '' : 'host',
    UsernsMode: owns('user') ? askedOf(record).userns : 'host',
    CgroupMode: cgroup,
    CgroupnsMode: cgroup,
  };
}

function capability(name: string): string {
  const upper = name.toUpperCase();
  return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
}

/** Bytes. */
function shmSizeOf({ spec }: ContainerRecord): number {
  const options = spec.mounts.find(({ destination }) => destination === '/dev/shm')?.options ?? [];
  const kibibytes = options.map((option) => /^size=(\d+)k$/.exec(option)?.[1]).find(Boolean);
  return Number(kibibytes ?? 0) * 1024;
}
