import { flagError } from './flag.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration as in Go: `1m30s`, `500ms`, `1.5h`; a bare number is seconds.
 * @returns milliseconds
 * @throws FosterError that names `flag`
 */
export function parseDuration(flag: string, value: string): number {
  const text = /^\d+$/.test(value) ? `${value}s` : value;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw flagError(flag, value, 'expected a time such as 500ms, 10s or 1m30s');
  let total = 0;
  for (const [, amount, , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * (UNITS[unit] ?? 0);
  if (total > 2 ** 31 - 1) throw flagError(flag, value, 'the time is too long');
  return Math.round(total);
}
