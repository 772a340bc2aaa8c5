import { readFileSync } from 'node:fs';
import { freemem, hostname, uptime } from 'node:os';
import { join } from 'node:path';
import type { HostInfo } from '../../container/host-info.js';

/** What foster knows about the machine, under the names of Docker, Podman and foster. */
export interface InfoViews {
  /** For --format json: the keys of Docker, of Podman (`host.arch`), and of foster. */
  json: Record<string, unknown>;
  /** For templates: the fields of Docker, of Podman (`.Host.Arch`), and of foster. */
  fields: Record<string, unknown>;
}

/** Podman's names of a value: as a field of a template, and as a key in JSON. */
type Entry = [field: string, key: string, value: unknown];

/** Go's names of architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** The operating system and architecture, with Go's names: `linux`, `amd64`. */
export function platformNames(): { os: string; arch: string } {
  return { os: process.platform, arch: ARCHITECTURES[process.arch] ?? process.arch };
}

/** @param version foster's own */
export function infoViews(info: HostInfo, version: string): InfoViews {
  const release = osRelease();
  const docker = dockerFields(info, version, release);
  const host = hostEntries(info, version, release);
  const store = storeEntries(info);
  return {
    json: {
      ...info,
      ...docker,
      host: { ...info.host, ...keysOf(host) },
      store: keysOf(store),
      version: { Version: version },
    },
    fields: {
      ...info,
      ...docker,
      Host: fieldsOf(host),
      Store: fieldsOf(store),
      Version: { Version: version },
    },
  };
}

function dockerFields(
  { containers, images, storage, host, user, limits }: HostInfo,
  version: string,
  release: Release,
) {
  const { os } = platformNames();
  return {
    Architecture: kernelArchitecture(),
    CgroupDriver: limits.manager,
    CgroupVersion: cgroupVersion(),
    Containers: containers.total,
    ContainersPaused: containers.paused,
    ContainersRunning: containers.running,
    ContainersStopped: stoppedOf(containers),
    DefaultRuntime: 'foster',
    DockerRootDir: storage.data,
    Driver: storage.driver,
    ID: machineId(),
    Images: images,
    InitBinary: 'foster-init',
    KernelVersion: host.kernel,
    LoggingDriver: 'json-file',
    MemTotal: host.memory,
    MemoryLimit: limits.controllers.includes('memory'),
    NCPU: host.cpus,
    Name: hostname(),
    OSType: os,
    OSVersion: release.VERSION_ID ?? '',
    OperatingSystem: release.PRETTY_NAME ?? os,
    PidsLimit: limits.controllers.includes('pids'),
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Log: ['json-file', 'k8s-file', 'local'],
    },
    SecurityOptions: ['name=seccomp,profile=builtin', ...(user.rootless ? ['name=rootless'] : [])],
    ServerVersion: version,
    Swarm: { LocalNodeState: 'inactive' },
    SystemTime: new Date().toISOString(),
  };
}

function hostEntries({ host, user, limits }: HostInfo, version: string, release: Release): Entry[] {
  const { os, arch } = platformNames();
  const runtime = { name: 'foster', version };
  const security: Entry[] = [
    ['Rootless', 'rootless', user.rootless],
    ['SECCOMPEnabled', 'seccompEnabled', true],
    ['AppArmorEnabled', 'apparmorEnabled', false],
    ['SELinuxEnabled', 'selinuxEnabled', false],
  ];
  const distribution: Entry[] = [
    ['Distribution', 'distribution', release.ID ?? 'unknown'],
    ['Version', 'version', release.VERSION_ID ?? ''],
    ['Codename', 'codename', release.VERSION_CODENAME ?? ''],
  ];
  return [
    ['Arch', 'arch', arch],
    ['OS', 'os', os],
    ['CPUs', 'cpus', host.cpus],
    ['CgroupManager', 'cgroupManager', limits.manager],
    ['CgroupsVersion', 'cgroupVersion', `v${cgroupVersion()}`],
    ['Distribution', 'distribution', { fields: fieldsOf(distribution), keys: keysOf(distribution) }],
    ['EventLogger', 'eventLogger', 'file'],
    ['Hostname', 'hostname', hostname()],
    ['Kernel', 'kernel', host.kernel],
    ['LogDriver', 'logDriver', 'json-file'],
    ['MemFree', 'memFree', freemem()],
    ['MemTotal', 'memTotal', host.memory],
    ['NetworkBackend', 'networkBackend', 'foster'],
    ['OCIRuntime', 'ociRuntime', { fields: { Name: runtime.name, Version: version }, keys: runtime }],
    ['Security', 'security', { fields: fieldsOf(security), keys: keysOf(security) }],
    ['ServiceIsRemote', 'serviceIsRemote', false],
    ['Uptime', 'uptime', uptimeText(uptime())],
  ];
}

function storeEntries({ containers, images, storage }: HostInfo): Entry[] {
  const counts: Entry[] = [
    ['Number', 'number', containers.total],
    ['Paused', 'paused', containers.paused],
    ['Running', 'running', containers.running],
    ['Stopped', 'stopped', stoppedOf(containers)],
  ];
  return [
    ['ContainerStore', 'containerStore', { fields: fieldsOf(counts), keys: keysOf(counts) }],
    ['GraphDriverName', 'graphDriverName', storage.driver],
    ['GraphOptions', 'graphOptions', {}],
    ['GraphRoot', 'graphRoot', storage.data],
    ['ImageStore', 'imageStore', { fields: { Number: images }, keys: { number: images } }],
    ['RunRoot', 'runRoot', storage.data],
    ['VolumePath', 'volumePath', join(storage.data, 'volumes')],
  ];
}

function fieldsOf(entries: Entry[]): Record<string, unknown> {
  return Object.fromEntries(
    entries.map(([field, , value]) => [field, isNested(value) ? value.fields : value]),
  );
}

function keysOf(entries: Entry[]): Record<string, unknown> {
  return Object.fromEntries(entries.map(([, key, value]) => [key, isNested(value) ? value.keys : value]));
}

function isNested(value: unknown): value is { fields: unknown; keys: unknown } {
  return typeof value === 'object' && value !== null && 'fields' in value;
}

function stoppedOf({ total, running, paused }: HostInfo['containers']): number {
  return total - running - paused;
}

function cgroupVersion(): string {
  return readText('/sys/fs/cgroup/cgroup.controllers') === '' ? '1' : '2';
}

/** As `uname -m` prints it. */
function kernelArchitecture(): string {
  const { arch } = platformNames();
  return { amd64: 'x86_64', arm64: 'aarch64' }[arch] ?? arch;
}

function machineId(): string {
  return readText('/etc/machine-id').trim();
}

type Release = Record<string, string | undefined>;

/** os-release(5) */
function osRelease(): Release {
  const lines = (readText('/etc/os-release') || readText('/usr/lib/os-release')).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name = '', value = ''] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line) ?? [];
      return name === '' ? [] : [[name, value]];
    }),
  );
}

/** @param seconds since the machine has started. @returns `1h 6m 2.00s`, as Podman writes it */
function uptimeText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m ${(seconds % 60).toFixed(2)}s`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // missing, or not readable
  }
}
