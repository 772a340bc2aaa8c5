import { join } from 'node:path';
import { withAnnotations } from '../../container/annotations.js';
import {
  anonymousVolumesOf,
  type ContainerRecord,
  layersOf,
  sharesOf,
  volumeAt,
  volumesOf,
} from '../../container/record.js';
import { requestedMounts } from '../../container/requested-mounts.js';
import {
  type Container,
  type Health,
  readCounts,
  readHealth,
  statusWord,
  wasOomKilled,
} from '../../container/store.js';
import { isUnlogged } from '../../spec/parse/logging.js';
import type { Mount } from '../../spec/types.js';
import { containerFolder } from '../../sys/paths.js';
import { askedOf, configOf } from './container-config.js';
import { hostConfigOf } from './container-host-config.js';
import { networkSettings } from './container-network.js';

/** Docker's time for something that has not happened. */
const NEVER = '0001-01-01T00:00:00Z';

/** Podman's fields for SELinux, AppArmor and its own programs, which foster does not have. */
const NOTHING = {
  ConmonPidFile: '',
  OCIConfigPath: '',
  MountLabel: '',
  ProcessLabel: '',
  AppArmorProfile: '',
  ExecIDs: [],
  Namespace: '',
  IsService: false,
  // foster makes these files inside the container, so they have no path on the host
  ResolvConfPath: '',
  HostnamePath: '',
  HostsPath: '',
};

/** A container as `docker inspect` shows it, with Podman's additions and the whole `Spec`. */
export function inspection({ record, state }: Container): Record<string, unknown> {
  const { spec } = record;
  const [path = '', ...args] = spec.process.args;
  const { bounding, effective } = spec.process.capabilities;
  const shares = sharesOf(record);
  const folder = containerFolder(record.id);
  const logPath = isUnlogged(record.logging) ? '' : join(folder, 'log');
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf({ record, state }),
    RestartCount: state.restarts,
    Image: record.image?.id ?? '',
    ImageName: record.image?.name ?? record.root,
    ImageDigest: record.image?.digest ?? '',
    Rootfs: record.image === undefined ? spec.root.path : '',
    Name: `/${record.name}`,
    Driver: record.driver ?? 'overlay',
    Platform: 'linux',
    OCIRuntime: 'foster',
    StaticDir: folder,
    LogPath: logPath,
    PidFile: askedOf(record).pidfile ?? '',
    Dependencies: shares === undefined ? [] : [shares.of],
    BoundingCaps: bounding,
    EffectiveCaps: effective,
    GraphDriver: graphDriverOf(record, folder),
    HostConfig: hostConfigOf(record, logPath),
    Mounts: requestedMounts(record).map((mount) => mountPoint(record, mount)),
    Config: configOf(
      record,
      anonymousVolumesOf(record).map(({ destination }) => destination),
    ),
    NetworkSettings: networkSettings({ record, state }),
    ...NOTHING,
    IsInfra: record.isInfra ?? false,
    Pod: record.pod ?? '',
    Spec: withAnnotations(record),
  };
}

function stateOf({ record, state }: Container): Record<string, unknown> {
  const counts = readCounts(record.id);
  const health = readHealth(record.id) ?? (record.health && NOT_CHECKED);
  const checked = health === undefined ? null : healthOf(health, record.health?.timeout);
  return {
    OciVersion: record.spec.ociVersion,
    Status: statusWord(state),
    Running: state.status === 'running' || state.status === 'paused',
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: wasOomKilled(record.id),
    Dead: state.status === 'dead',
    Pid: state.pid,
    ConmonPid: state.monitor,
    ExitCode: state.exitCode ?? 0,
    Error: state.error ?? '',
    StartedAt: state.startedAt ?? NEVER,
    FinishedAt: state.finishedAt ?? NEVER,
    CheckpointedAt: NEVER,
    RestoredAt: NEVER,
    // null, so that a template can ask: {{if .State.Health}}
    Health: checked,
    Healthcheck: checked,
    ...(counts && { Orphans: { Adopted: counts.adopted, Reaped: counts.reaped } }),
  };
}

const NOT_CHECKED: Health = { status: 'starting', streak: 0, results: [], isStarted: false, ends: 0 };

/** @param timeout of a check, in milliseconds */
function healthOf({ status, streak, results }: Health, timeout = 0): Record<string, unknown> {
  return {
    Status: status,
    FailingStreak: streak,
    Log: results.map((result) => ({
      Start: new Date(result.began).toISOString(),
      End: new Date(result.ended).toISOString(),
      ExitCode: result.exitCode,
      Output: outputOf(result, timeout),
    })),
  };
}

/** In Docker's words. */
function outputOf(
  { began, ended, exitCode, output, isCut }: Health['results'][number],
  timeout: number,
): string {
  const text = `${output.toString('utf8')}${isCut ? '...' : ''}`;
  if (exitCode >= 0 || ended - began < timeout) return text;
  const limit = timeout < 1000 ? `${timeout}ms` : `${timeout / 1000}s`;
  return `Health check exceeded timeout (${limit})${text === '' ? '' : `: ${text}`}`;
}

function graphDriverOf(record: ContainerRecord, folder: string): Record<string, unknown> {
  const { driver = 'overlay' } = record;
  const isOverlay = driver === 'overlay' || driver === 'fuse-overlayfs';
  return {
    Name: driver,
    Data: isOverlay
      ? {
          LowerDir: layersOf(record).join(':'),
          MergedDir: join(folder, 'root'),
          UpperDir: join(folder, 'upper'),
          WorkDir: join(folder, 'work'),
        }
      : {},
  };
}

function mountPoint(
  record: ContainerRecord,
  { type, source, destination, options }: Mount,
): Record<string, unknown> {
  const use = volumeAt(record, destination);
  const old = volumesOf(record).some((mount) => mount.destination === destination);
  return {
    Type: old ? 'volume' : type,
    ...(use !== undefined && { Name: use.name }),
    ...(old && { Driver: 'local' }),
    Source: type === 'bind' ? source : '',
    Destination: destination,
    Mode: options.join(','),
    Options: options,
    RW: !options.includes('ro'),
    Propagation: options.find((option) => /^r?(private|slave|shared)$/.test(option)) ?? '',
    ...(use?.subpath !== undefined && { SubPath: use.subpath }),
  };
}
