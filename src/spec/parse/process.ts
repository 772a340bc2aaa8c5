import { posix } from 'node:path';
import type { Attached } from '../request.js';
import type { Personality } from '../types.js';
import { flagError, unsupportedValue } from './flag.js';
import type { PathContext } from './volumes.js';

/** Options of the process and its environment that are a word or a number. */

/** Parses all --attach values; without any, all streams are attached. @throws FosterError */
export function parseAttached(values: string[] | undefined): Attached {
  const names = values?.flatMap((value) => value.split(',')).map((name) => name.toLowerCase());
  const unknown = names?.find((name) => !['stdin', 'stdout', 'stderr'].includes(name));
  if (unknown !== undefined) throw flagError('--attach', unknown, 'expected stdin, stdout or stderr');
  const has = (name: string) => names === undefined || names.includes(name);
  return { stdin: has('stdin'), stdout: has('stdout'), stderr: has('stderr') };
}

/** @throws FosterError */
export function parseUmask(value: string): number {
  if (!/^[0-7]{1,4}$/.test(value) || Number.parseInt(value, 8) > 0o777)
    throw flagError('--umask', value, 'expected an octal mode, for example 0022');
  return Number.parseInt(value, 8);
}

/** proc_pid_oom_score_adj(5). @throws FosterError */
export function parseOomScore(value: string): number {
  if (/^-?\d{1,4}$/.test(value) && Math.abs(Number(value)) <= 1000) return Number(value);
  throw flagError('--oom-score-adj', value, 'expected a number from -1000 to 1000');
}

/** personality(2). @throws FosterError */
export function parsePersonality(value: string): Personality['domain'] {
  if (value === 'LINUX' || value === 'LINUX32') return value;
  throw flagError('--personality', value, 'expected LINUX or LINUX32');
}

/** `--group-add`: names and ids. @throws FosterError */
export function parseGroups(values: string[]): string[] {
  const groups = values.flatMap((value) => value.split(','));
  for (const group of groups) {
    if (group === 'keep-groups')
      throw unsupportedValue(
        '--group-add',
        group,
        "the caller's groups have no ids in the container",
        'use --userns keep-id for files of your own group',
      );
    if (!/^[\w.@-]+$/.test(group))
      throw flagError('--group-add', group, 'expected the name or the id of a group');
  }
  return groups;
}

/**
 * The file that becomes /etc/localtime: tzfile(5).
 * @param value `Europe/Berlin`, or `local` for the host's time zone
 * @throws FosterError
 */
export function parseTimezone(value: string, context: PathContext): string {
  if (value === 'local') {
    const path = '/etc/localtime';
    return context.exists(path) ? path : '/usr/share/zoneinfo/UTC';
  }
  const path = posix.join('/usr/share/zoneinfo', value);
  if (!/^[\w+-]+(\/[\w+-]+)*$/.test(value) || !context.exists(path))
    throw flagError('--tz', value, 'there is no such time zone in /usr/share/zoneinfo');
  return path;
}

/** `PORT[-PORT][/PROTOCOL]`, with its protocol. @throws FosterError */
export function parseExpose(value: string): string {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  const [, first = '', last = first, protocol = 'tcp'] = match ?? [];
  if (match === null || Number(first) < 1 || Number(last) > 65535 || Number(first) > Number(last))
    throw flagError('--expose', value, 'expected PORT[-PORT][/tcp|udp|sctp]');
  return `${first === last ? first : `${first}-${last}`}/${protocol}`;
}

/** What foster-init passes on at most: MAX_KEPT of src/init/wire.h. */
const MOST_DESCRIPTORS = 64;

/** `--preserve-fds`: how many descriptors besides the standard streams; 0 if it is not given. @throws FosterError */
export function parseDescriptorCount(value: string | undefined): number {
  if (value === undefined) return 0;
  const count = /^\d{1,3}$/.test(value) ? Number(value) : Number.NaN;
  if (!(count <= MOST_DESCRIPTORS))
    throw flagError('--preserve-fds', value, `expected a number up to ${MOST_DESCRIPTORS}`);
  return count;
}
