import type { RestartPolicy } from '../request.js';
import { flagError } from './flag.js';

export type { RestartPolicy } from '../request.js';

export const RESTART_POLICIES: readonly RestartPolicy['policy'][] = [
  'no',
  'on-failure',
  'always',
  'unless-stopped',
];

/**
 * Parses a `--restart` value: `no`, `on-failure[:MAX]`, `always` or `unless-stopped`.
 * @throws FosterError
 */
export function parseRestart(value: string): RestartPolicy {
  const [policy = '', max, ...rest] = value.split(':');
  switch (policy) {
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (max !== undefined) throw flagError('--restart', value, 'only on-failure takes a number');
      return { policy, max: 0 };
    case 'on-failure':
      if (rest.length > 0 || (max !== undefined && !/^\d{1,9}$/.test(max))) break;
      return { policy, max: Number(max ?? 0) };
  }
  throw flagError('--restart', value, 'expected no, on-failure[:MAX], always or unless-stopped');
}

/** The content of a container's `restart` file, with the numbers that its monitor reads: docs/state.md. */
export function encodeRestart({ policy, max }: RestartPolicy): string {
  return `${RESTART_POLICIES.indexOf(policy)} ${max}\n`;
}

/** Parses the output of `encodeRestart`; `no` for anything else. */
export function decodeRestart(text: string): RestartPolicy {
  const match = /^(\d) (\d+)\n$/.exec(text);
  return { policy: RESTART_POLICIES[Number(match?.[1] ?? 0)] ?? 'no', max: Number(match?.[2] ?? 0) };
}
