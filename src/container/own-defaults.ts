import type { ImageDefaults } from '../spec/image-defaults.js';
import { signalName } from '../spec/parse/signals.js';
import type { HealthCheck } from '../spec/request.js';
import { exposedPorts } from './exposed-ports.js';
import type { ContainerRecord } from './record.js';

/** What foster sets in a container by itself, or passes on from the caller. */
const FOSTERS_VARIABLE = /^(HOSTNAME|HOME|TERM|container|(http|https|ftp|no)_proxy)=/i;
/** What says where a container belongs: its pod, for instance. */
const FOSTERS_LABEL = /^io\.foster\./;

/**
 * The defaults of an image that is made from a container: as in Docker, how the container was configured, over those of its
 * own image. A variable that foster sets itself, such as HOME, stays the image's, and so do volumes.
 * @param base the defaults of the image that it was made from
 */
export function ownDefaults(record: ContainerRecord, base: ImageDefaults = {}): ImageDefaults {
  const { args, env, cwd } = record.spec.process;
  const { Entrypoint: _, Cmd: __, User, StopSignal, ...kept } = base;
  const { user = User, entrypoint, cmd } = record.asked ?? {};
  const ports = exposedPorts(record);
  const labels = Object.entries(record.labels).filter(([name]) => !FOSTERS_LABEL.test(name));
  const signal = signalName(record.stopSignal);
  return {
    ...kept,
    ...(user && { User: user }),
    ...(ports.length > 0 && { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    Env: [
      ...(base.Env ?? []).filter((entry) => FOSTERS_VARIABLE.test(entry)),
      ...env.filter((entry) => !FOSTERS_VARIABLE.test(entry)),
    ],
    ...(entrypoint !== undefined && { Entrypoint: entrypoint }),
    ...(entrypoint === undefined ? { Cmd: cmd ?? args } : cmd && { Cmd: cmd }),
    ...((base.WorkingDir || cwd !== '/') && { WorkingDir: cwd }),
    ...(labels.length > 0 && { Labels: Object.fromEntries(labels) }),
    ...((StopSignal !== undefined || signal !== 'SIGTERM') && { StopSignal: signal }),
    ...healthcheckOf(record),
  };
}

const NANOSECONDS = 1_000_000;

/** A container's health check in the format of an image's config. */
export function healthcheckOf({
  health,
  asked,
}: Pick<ContainerRecord, 'health' | 'asked'>): Pick<ImageDefaults, 'Healthcheck'> {
  if (health !== undefined) return { Healthcheck: checkOf(health) };
  return asked?.noHealthcheck ? { Healthcheck: { Test: ['NONE'] } } : {};
}

function checkOf(check: HealthCheck): NonNullable<ImageDefaults['Healthcheck']> {
  const { command, interval, startInterval, timeout, startPeriod, retries } = check;
  const [shell, flag, script = ''] = command;
  const isShell = command.length === 3 && shell === '/bin/sh' && flag === '-c';
  return {
    Test: isShell ? ['CMD-SHELL', script] : ['CMD', ...command],
    Interval: interval * NANOSECONDS,
    Timeout: timeout * NANOSECONDS,
    StartPeriod: startPeriod * NANOSECONDS,
    ...(startInterval !== undefined && { StartInterval: startInterval * NANOSECONDS }),
    Retries: retries,
  };
}
