import type { ImageDefaults } from '../image-defaults.js';
import type { HealthCheck } from '../request.js';
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
 * Parses `--health-cmd` and the other --health flags, with Docker's defaults; undefined if there is no check. The
 * command is for the container's shell.
 * @throws FosterError
 */
export function parseHealth(flags: HealthFlags): HealthCheck | 'none' | undefined {
  const kills = parseOnFailure(flags.healthOnFailure ?? 'none');
  const startInterval = timeOf('--health-start-interval', flags.healthStartInterval, 1);
  const check = {
    interval: timeOf('--health-interval', flags.healthInterval, 1) ?? 30_000,
    timeout: timeOf('--health-timeout', flags.healthTimeout, 1) ?? 30_000,
    startPeriod: timeOf('--health-start-period', flags.healthStartPeriod, 0) ?? 0,
    retries: parseRetries(flags.healthRetries) ?? 3,
  };
  if (flags.healthcheck === false || flags.healthCmd === 'none') return 'none';
  if (!flags.healthCmd) return undefined;
  const command = ['/bin/sh', '-c', flags.healthCmd];
  return { command, ...withStart(check, startInterval), ...(kills && { kills }) };
}

/** Docker's, while a container starts: that long, unless checks are more frequent anyway. */
const START_INTERVAL = 5000;

function withStart<Check extends { interval: number }>(
  check: Check,
  wanted: number | undefined,
): Check & { startInterval: number } {
  return { ...check, startInterval: wanted ?? Math.min(START_INTERVAL, check.interval) };
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
  const times = {
    interval: time(check.Interval, 30_000),
    timeout: time(check.Timeout, 30_000),
    startPeriod: time(check.StartPeriod, 0),
    retries: isCount(check.Retries) ? check.Retries : 3,
  };
  const startInterval = check.StartInterval ? time(check.StartInterval, 0) : 0;
  return {
    command: kind === 'CMD' ? words : ['/bin/sh', '-c', words.join(' ')],
    ...withStart(times, startInterval || undefined),
  };
}
