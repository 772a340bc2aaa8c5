import { withAnnotations } from '../../container/annotations.js';
import { volumesOf } from '../../container/record.js';
import { type Container, readCounts, readHealth, readRestart, statusWord } from '../../container/store.js';
import { signalName } from '../../spec/parse/signals.js';
import type { Mount } from '../../spec/types.js';
import { networkModeOf } from './container-network.js';

/** What Docker says for an instant that has not come. */
const NEVER = '0001-01-01T00:00:00Z';

/** Mounts that every container has; Docker lists only what a person asked for. */
const OWN_MOUNTS = /^\/(proc|sys|dev|dev\/(pts|shm|mqueue)|etc\/(hosts|hostname|resolv\.conf))(\/|$)/;

/** A container as `docker inspect` shows it, with the whole `Spec` beside it. */
export function inspection({ record, state }: Container): Record<string, unknown> {
  const { spec } = record;
  const volumes = volumesOf(record);
  const [health, counts] = [readHealth(record.id), readCounts(record.id)];
  const [path = '', ...args] = spec.process.args;
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: {
      Status: statusWord(state),
      Running: state.status === 'running' || state.status === 'paused',
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode ?? 0,
      Error: state.error ?? '',
      StartedAt: state.startedAt ?? NEVER,
      FinishedAt: state.finishedAt ?? NEVER,
      ...(health && { Health: { Status: health.status, FailingStreak: health.streak } }),
      ...(counts && { Orphans: { Adopted: counts.adopted, Reaped: counts.reaped } }),
    },
    RestartCount: state.restarts,
    Image: record.root,
    Name: `/${record.name}`,
    Driver: record.driver ?? 'overlay',
    HostConfig: hostConfig(record),
    Mounts: spec.mounts
      .filter(({ destination }) => !OWN_MOUNTS.test(destination))
      .map((mount) => mountPoint(mount, volumes.includes(mount))),
    Config: {
      Hostname: spec.hostname ?? '',
      User: `${spec.process.user.uid}:${spec.process.user.gid}`,
      Tty: spec.process.terminal,
      Env: spec.process.env,
      Cmd: record.command,
      Image: record.root,
      ...(record.ports && { ExposedPorts: Object.fromEntries(record.ports.map((port) => [port, {}])) }),
      WorkingDir: spec.process.cwd,
      Labels: record.labels,
      StopSignal: signalName(record.stopSignal),
      StopTimeout: record.stopTimeout,
    },
    Spec: withAnnotations(record),
  };
}

function hostConfig(record: Container['record']): Record<string, unknown> {
  const { process, root, linux } = record.spec;
  const restart = readRestart(record.id);
  const owns = (wanted: string) => linux.namespaces.some(({ type }) => type === wanted);
  const pid = linux.namespaces.find(({ type }) => type === 'pid');
  return {
    AutoRemove: record.rm,
    RestartPolicy: { Name: restart.policy, MaximumRetryCount: restart.max },
    LogConfig: {
      Type: 'foster',
      Config: { 'max-size': record.logging.maxSize, 'max-file': record.logging.maxFiles },
    },
    Init: record.init,
    NetworkMode: networkModeOf(record),
    PidMode: pid === undefined ? 'host' : (pid.path ?? ''),
    UsernsMode: owns('user') ? '' : 'host',
    ReadonlyRootfs: root.readonly,
    Capabilities: process.capabilities.bounding,
    SecurityOpt: [
      ...(process.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(linux.seccomp === undefined ? ['seccomp=unconfined'] : []),
    ],
    Sysctls: linux.sysctl,
    Ulimits: process.rlimits.map(({ type, soft, hard }) => ({
      Name: type.replace('RLIMIT_', '').toLowerCase(),
      Soft: soft,
      Hard: hard,
    })),
    MaskedPaths: linux.maskedPaths,
    ReadonlyPaths: linux.readonlyPaths,
  };
}

function mountPoint(
  { type, source, destination, options }: Mount,
  isVolume: boolean,
): Record<string, unknown> {
  return {
    Type: isVolume ? 'volume' : type,
    Source: type === 'bind' ? source : '',
    Destination: destination,
    Mode: options.join(','),
    RW: !options.includes('ro'),
    Propagation: options.find((option) => /^r?(private|slave|shared)$/.test(option)) ?? '',
  };
}
