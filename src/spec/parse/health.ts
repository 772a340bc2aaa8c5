import type { ImageDefaults } from '../image-defaults.js';
import type { HealthCheck, HealthSettings, RunRequest } from '../request.js';
import { parseDuration } from './duration.js';
import { flagError, unsupportedValue } from './flag.js';

/** Flags for a container's health check. */
export interface HealthFlags {
  healthCmd?: string;
  healthInterval?: string;
  healthTimeout?: string;
  healthStartPeriod?: string;
  healthStartInterval?: string;
  healthRetries?: string;
  healthOnFailure?: string;
  /** false for --no-healthcheck */
  healthcheck?: boolean;
}

/**
 * Parses `--health-cmd` and the other --health flags, with Docker's defaults; without a command, the others change the
 * image's health check. The command is for the container's shell.
 * @throws FosterError
 */
export function parseHealth(flags: HealthFlags): Pick<RunRequest, 'health' | 'healthChanges'> {
  const interval = timeOf('--health-interval', flags.healthInterval, 1);
  const timeout = timeOf('--health-timeout', flags.healthTimeout, 1);
  const startPeriod = timeOf('--health-start-period', flags.healthStartPeriod, 0);
  const retries = parseRetries(flags.healthRetries);
  const startInterval = timeOf('--health-start-interval', flags.healthStartInterval, 1);
  const changes: HealthSettings = {
    ...(interval !== undefined && { interval }),
    ...(startInterval !== undefined && { startInterval }),
    ...(timeout !== undefined && { timeout }),
    ...(startPeriod !== undefined && { startPeriod }),
    ...(retries !== undefined && { retries }),
    ...(parseOnFailure(flags.healthOnFailure ?? 'none') && { kills: true }),
  };
  if (flags.healthcheck === false || flags.healthCmd === 'none') return { health: 'none' };
  if (!flags.healthCmd)
    return { health: undefined, ...(Object.keys(changes).length > 0 && { healthChanges: changes }) };
  return { health: withStart({ command: ['/bin/sh', '-c', flags.healthCmd], ...DEFAULTS, ...changes }) };
}

/** Docker's; times in milliseconds. */
const DEFAULTS = { interval: 30_000, timeout: 30_000, startPeriod: 0, retries: 3 };
/** Docker's, while a container starts: that long, unless checks are more frequent anyway. */
const START_INTERVAL = 5000;

function withStart(check: HealthCheck): HealthCheck {
  return { startInterval: Math.min(START_INTERVAL, check.interval), ...check };
}

/**
 * The health check of a container: its own, or that of its image, with what is changed of it.
 * @throws FosterError where an unhealthy container is to be killed that has no health check
 */
export function healthOf(
  { health, healthChanges }: Pick<RunRequest, 'health' | 'healthChanges'>,
  image: ImageDefaults['Healthcheck'],
): HealthCheck | undefined {
  if (health !== undefined) return health === 'none' ? undefined : health;
  const check = imageHealth(image);
  if (check === undefined && healthChanges?.kills)
    throw flagError('--health-on-failure', 'kill', 'there is no health check', 'add one with --health-cmd');
  return check && withStart({ ...check, ...healthChanges });
}

/** Whether an unhealthy container is killed. */
function parseOnFailure(action: string): boolean {
  if (action === 'none' || action === 'kill') return action === 'kill';
  if (action !== 'restart' && action !== 'stop')
    throw flagError('--health-on-failure', action, 'expected none or kill');
  throw unsupportedValue(
    '--health-on-failure',
    action,
    'an unhealthy container is killed, or nothing is done to it',
    action === 'stop' ? 'use kill' : 'use kill, and --restart always',
  );
}

function parseRetries(value: string | undefined): number | undefined {
  if (value !== undefined && !/^[1-9]\d{0,5}$/.test(value))
    throw flagError('--health-retries', value, 'expected a number from 1');
  return value === undefined ? undefined : Number(value);
}

/** Milliseconds. */
function timeOf(flag: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const time = parseDuration(flag, value);
  if (time < least) throw flagError(flag, value, 'the time is too short');
  return time;
}

const MILLISECOND = 1_000_000;
/** In milliseconds; the monitor uses 32 bits. */
const MAX_MILLISECONDS = 2 ** 31 - 1;

function isCount(value: number | undefined): value is number {
  return Number.isInteger(value) && (value ?? 0) > 0 && (value ?? 0) < 1_000_000;
}

/** The health check of an image. */
export function imageHealth(check: ImageDefaults['Healthcheck']): HealthCheck | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (check === undefined || (kind !== 'CMD' && kind !== 'CMD-SHELL') || words.length === 0) return undefined;
  const time = (value: number | undefined, otherwise: number) =>
    value && value > 0 ? Math.min(Math.ceil(value / MILLISECOND), MAX_MILLISECONDS) : otherwise;
  const startInterval = time(check.StartInterval, 0);
  return {
    command: kind === 'CMD' ? words : ['/bin/sh', '-c', words.join(' ')],
    interval: time(check.Interval, DEFAULTS.interval),
    ...(startInterval > 0 && { startInterval }),
    timeout: time(check.Timeout, DEFAULTS.timeout),
    startPeriod: time(check.StartPeriod, DEFAULTS.startPeriod),
    retries: isCount(check.Retries) ? check.Retries : DEFAULTS.retries,
  };
}
