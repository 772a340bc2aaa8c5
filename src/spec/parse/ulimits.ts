import type { Rlimit } from '../types.js';
import { flagError } from './flag.js';

/** setrlimit(2): the limits of Linux, as Docker and `ulimit` spell them. */
const LIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  );

/**
 * Parses a `--ulimit` value, `NAME=SOFT[:HARD]`; -1 (or `unlimited`) is no limit. HARD defaults to SOFT.
 * @throws FosterError
 */
export function parseUlimit(value: string): Rlimit {
  const match = /^([^=]*)=([^:]*)(?::(.*))?$/.exec(value);
  if (match === null)
    throw flagError('--ulimit', value, 'expected NAME=SOFT[:HARD], for example nofile=1024:4096');
  const [, name = '', softText = '', hardText] = match;
  if (!LIMITS.includes(name)) {
    throw flagError('--ulimit', value, `unknown limit, expected one of ${LIMITS.join(', ')}`);
  }
  const soft = parseLimit(value, softText);
  const hard = hardText === undefined ? soft : parseLimit(value, hardText);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw flagError('--ulimit', value, 'the soft limit is above the hard limit');
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
}

/**
 * Parses all `--ulimit` values; the last one for a limit wins.
 * @throws FosterError
 */
export function parseUlimits(values: string[]): Rlimit[] {
  const limits = new Map<string, Rlimit>();
  for (const value of values) {
    const limit = parseUlimit(value);
    limits.set(limit.type, limit);
  }
  return [...limits.values()];
}

function parseLimit(value: string, text: string): number {
  if (text === '-1' || text === 'unlimited') return -1;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw flagError('--ulimit', value, 'a limit is a whole number, or -1 for unlimited');
  }
  return number;
}
