import { readCgroups } from '../../container/cgroups.js';
import { type ContainerRecord, sharesOf } from '../../container/record.js';
import { readRestart } from '../../container/store.js';
import { wantsCgroup } from '../../plan/cgroup/plan.js';
import type { NamespaceType } from '../../spec/types.js';
import { askedOf } from './container-config.js';
import { limitsOf } from './container-limits.js';
import { networkModeOf } from './container-network.js';
import { portBindings } from './ports.js';

/** Fields of Docker and Podman for features that foster does not have. */
const NOTHING = {
  VolumeDriver: '',
  Links: null,
  Isolation: '',
  ConsoleSize: [0, 0],
};

/** Podman's words for whether the container has its own cgroup, and who makes it. */
function cgroupOf({ id, spec }: ContainerRecord): Record<string, string> {
  const has = wantsCgroup(spec.linux);
  const isSystemds = has && readCgroups(id).some(({ unit }) => unit !== undefined);
  return {
    CgroupManager: !has ? 'disabled' : isSystemds ? 'systemd' : 'cgroupfs',
    Cgroup: '',
    Cgroups: has ? 'default' : 'disabled',
  };
}

/** `.HostConfig` of `inspect`: Docker's, with Podman's additions. */
export function hostConfigOf(record: ContainerRecord, logPath: string): Record<string, unknown> {
  const { process, root, linux } = record.spec;
  const asked = askedOf(record);
  const restart = readRestart(record.id);
  return {
    Binds: asked.binds,
    VolumesFrom: asked.volumesFrom ?? null,
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
    ...limitsOf(record),
    ...cgroupOf(record),
  };
}

function logConfigOf({ logging }: ContainerRecord, path: string): Record<string, unknown> {
  const { driver = 'json-file', maxSize, maxFiles, tag = '', labels, env } = logging;
  return {
    Type: driver,
    Config: {
      ...(maxSize > 0 && { 'max-size': String(maxSize) }),
      ...(maxFiles > 1 && { 'max-file': String(maxFiles) }),
      ...(tag !== '' && { tag }),
      ...(labels && { labels: labels.join(',') }),
      ...(env && { env: env.join(',') }),
    },
    Path: path,
    Tag: tag,
    Size: `${maxSize}B`,
  };
}

/** The namespaces in Docker's words: `host`, or '' or `private` if the container has its own. */
function modesOf(record: ContainerRecord): Record<string, string> {
  const { namespaces } = record.spec.linux;
  const owns = (wanted: string) => namespaces.some(({ type }) => type === wanted);
  const pid = namespaces.find(({ type }) => type === 'pid');
  const hasMemory = record.spec.mounts.some(({ destination }) => destination === '/dev/shm');
  const shares = sharesOf(record);
  const ofOther = (type: NamespaceType) =>
    shares?.types.includes(type) ? `container:${shares.of}` : undefined;
  const cgroup = ofOther('cgroup') ?? (owns('cgroup') ? 'private' : 'host');
  return {
    NetworkMode: networkModeOf(record),
    PidMode: ofOther('pid') ?? (pid === undefined ? 'host' : (pid.path ?? '')),
    IpcMode: ofOther('ipc') ?? (owns('ipc') ? (hasMemory ? 'private' : 'none') : 'host'),
    UTSMode: ofOther('uts') ?? (owns('uts') ? '' : 'host'),
    UsernsMode: owns('user') ? askedOf(record).userns : 'host',
    CgroupMode: cgroup,
    CgroupnsMode: cgroup,
  };
}

function capability(name: string): string {
  const upper = name.toUpperCase();
  return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
}

/** The size of /dev/shm in bytes. */
function shmSizeOf({ spec }: ContainerRecord): number {
  const options = spec.mounts.find(({ destination }) => destination === '/dev/shm')?.options ?? [];
  const kibibytes = options.map((option) => /^size=(\d+)k$/.exec(option)?.[1]).find(Boolean);
  return Number(kibibytes ?? 0) * 1024;
}
