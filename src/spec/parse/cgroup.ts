import { FosterError } from '../../sys/errors.js';
import type { Limits } from '../request.js';
import { flagError, unsupportedValue } from './flag.js';

/** The options about the cgroup itself. */
export interface CgroupFlags {
  cgroupParent?: string;
  cgroupConf?: string[];
  cgroups?: string;
}

/** @throws FosterError */
export function parseParent(value: string): string {
  const parts = value.split('/').filter((part) => part !== '');
  if (
    parts.length === 0 ||
    parts.some((part) => !/^[\w@.\\:-]{1,255}$/.test(part) || /^\.\.?$/.test(part) || part.includes(':'))
  )
    throw flagError('--cgroup-parent', value, 'expected a path such as /group or a slice such as my.slice');
  return `/${parts.join('/')}`;
}

/** Files of cgroups of version 2, by name. @throws FosterError */
export function parseConf(values: string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const [, file = '', text = ''] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
      const problem = problemOfFile(file, text);
      if (problem !== undefined) throw flagError('--cgroup-conf', value, problem);
      return [file, text];
    }),
  );
}

/**
 * Why a file of a cgroup of version 2 cannot be written to; undefined if it can be. Those named `cgroup.` are no limits: they
 * are for whoever makes cgroups.
 */
export function problemOfFile(file: string, text: string): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,31}(\.[a-z0-9_]{1,64}){1,4}$/i.test(file))
    return 'expected FILE=VALUE such as memory.high=1073741824';
  if (file.startsWith('cgroup.')) return 'foster itself writes the files that are named cgroup';
  if (text === '' || /[\u0000-\u001f]/.test(text)) return 'the value has to be a line of text';
  return undefined;
}

/**
 * --cgroups: foster makes a cgroup only where there are limits, and its monitor is in none of a container.
 * @throws FosterError where there are limits, and no cgroup shall be made
 */
export function parseCgroups(value: string | undefined, { resources, rates, cgroupParent }: Limits): boolean {
  switch (value) {
    case undefined:
    case 'enabled':
    case 'no-conmon':
      return true;
    case 'disabled':
      if (Object.keys(resources).length === 0 && rates.length === 0 && cgroupParent === undefined)
        return false;
      throw new FosterError('--cgroups disabled and limits cannot be used together', {
        kind: 'invalid',
        advice: 'a limit is a setting of a cgroup',
      });
    case 'split':
      throw unsupportedValue(
        '--cgroups',
        value,
        'the cgroup that foster itself is in stays as it is',
        'use --cgroup-parent',
      );
    default:
      throw flagError('--cgroups', value, 'expected enabled, disabled or no-conmon');
  }
}
