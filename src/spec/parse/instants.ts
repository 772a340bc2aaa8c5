import { flagError } from './flag.js';

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Parses a point in time for --since and --until, as in Docker: RFC 3339 (`2026-11-24T15:00:00Z`, also without the time
 * or seconds, or without the zone for local time), seconds since 1970 with a fraction, or a duration before `now`
 * (`90s`, `1h30m`). Returns nanoseconds since 1970.
 * @param now in milliseconds since 1970
 * @throws FosterError that names `flag`
 */
export function parseInstant(flag: string, value: string, now: number): bigint {
  const seconds = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(value);
  if (seconds !== null) {
    return BigInt(seconds[1] ?? 0) * 1_000_000_000n + BigInt((seconds[2] ?? '').padEnd(9, '0'));
  }
  const length = parseLength(value);
  if (length !== undefined) return BigInt(now) * 1_000_000n - BigInt(Math.round(length));
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(
    value,
  );
  const [, day, time = '00:00', second = '00', fraction = '', zone = ''] = date ?? [];
  const milliseconds = day === undefined ? Number.NaN : Date.parse(`${day}T${time}:${second}${zone}`);
  if (Number.isNaN(milliseconds)) {
    throw flagError(
      flag,
      value,
      'expected a time such as 2026-11-24T15:00:00Z, or a duration such as 10m or 1h30m',
    );
  }
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Go's time.ParseDuration, in nanoseconds; undefined if it is invalid. */
function parseLength(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(value)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)([a-zµμ]+)/g)) {
    sum += Number(amount) * (NANOSECONDS[unit ?? ''] ?? 0);
  }
  return Number.isSafeInteger(Math.round(sum / 1e6)) ? sum : undefined;
}
