import { posix, resolve } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { parseVolumeName } from '../names.js';
import type { RequestedMount, VolumeOptions, VolumesFrom } from '../request.js';
import type { Mount } from '../types.js';
import { flagError, quoted } from './flag.js';

/** How the caller's paths are resolved. */
export interface PathContext {
  /** Absolute path; relative sources are relative to it. */
  cwd: string;
  exists: (path: string) => boolean;
}

/** Groups of options that exclude each other. */
const EXCLUSIVE = [
  ['ro', 'rw'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
];
const RECURSION = ['rbind', 'bind'];
export const PROPAGATION = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];
/** SELinux labels and Docker Desktop's cache hints have no effect here, but are in many scripts. */
const IGNORED = ['z', 'Z', 'consistent', 'cached', 'delegated'];
/** Options of volumes. The first two have no effect on a bind mount, but are in many scripts. */
const OF_VOLUMES = ['nocopy', 'copy', 'U'];
/** On the host, the files have the ids that the container sees: Podman's. */
const IDMAP = 'idmap';

/** Options of mounts that foster does not have: why, and what to use instead. */
const REFUSED: ReadonlyMap<string, readonly [because: string, advice: string]> = new Map([
  [
    'U',
    ['the owners of files on the host are left as they are', 'use --userns keep-id for files of your own'],
  ],
  ['O', ['what is written goes to the mounted files', 'use ro, or --mount type=tmpfs for what is written']],
  ['tmpcopyup', ['a tmpfs starts empty', 'use -v DESTINATION for a volume with the files of the image']],
]);

/** @throws FosterError for an option of Docker or Podman that foster does not have */
export function refuseOption(flag: string, value: string, option: string): void {
  const [key = ''] = option.split('=');
  const refusal = REFUSED.get(key) ?? (/^(upper|work)dir$/.test(key) ? REFUSED.get('O') : undefined);
  if (refusal === undefined) return;
  const [because, advice] = refusal;
  throw new FosterError(`${flag} ${quoted(value)}: ${key} is not supported yet: ${because}`, {
    kind: 'unsupported',
    advice,
  });
}

/** As in Docker: a tmpfs is for data, not for programs and devices. */
const TMPFS_DEFAULTS = ['nosuid', 'nodev', 'noexec'];
const TMPFS_FLAGS = [
  'noatime',
  'relatime',
  'nodiratime',
  'strictatime',
  'sync',
  'async',
  'dirsync',
  'mand',
  'nomand',
  'notmpcopyup',
];

/** A new volume without a name of its own: 64 random hexadecimal digits are chosen when the container is made. */
export function anonymousVolume(
  destination: string,
  options: string[] = [],
  volume?: VolumeOptions,
): RequestedMount {
  return volumeMount('', destination, options, volume);
}

/** The mount of a volume. Its source on the host is set when the container is known (from-request.ts). */
export function volumeMount(
  name: string,
  destination: string,
  options: string[],
  volume: VolumeOptions = {},
): RequestedMount {
  const own = ['rbind', 'rprivate'].filter((word) => !options.some((other) => isSameKind(word, other)));
  return {
    destination,
    type: 'volume',
    source: name,
    options: [...own, ...options],
    ...(Object.keys(volume).length > 0 && { volume }),
  };
}

function isSameKind(word: string, other: string): boolean {
  return [RECURSION, PROPAGATION].some((group) => group.includes(word) && group.includes(other));
}

/**
 * Parses a `-v` value: `SOURCE:DESTINATION[:OPTION[,OPTION...]]`. A SOURCE with a slash is a file or directory of the host,
 * for a bind mount that is recursive and private by default; any other is the name of a volume. `DESTINATION` alone is
 * an anonymous volume.
 * @throws FosterError, also if the source of a bind mount does not exist
 */
export function parseVolume(value: string, context: PathContext): RequestedMount {
  const flag = '--volume';
  const [source = '', target, options, ...rest] = value.split(':');
  if (target === undefined) return anonymousVolume(parseDestination(flag, value, source));
  if (source === '' || target === '' || rest.length > 0) {
    throw flagError(
      flag,
      value,
      'expected SOURCE:DESTINATION[:OPTIONS]',
      'use --mount for paths with a colon',
    );
  }
  const words = options === undefined || options === '' ? [] : options.split(',');
  if (!isPath(source)) {
    return parseNamed(flag, value, parseVolumeName(flag, value, source), target, words);
  }
  const destination = parseDestination(flag, value, target);
  return {
    destination,
    type: 'bind',
    source: parseSource(flag, value, source, context),
    options: bindOptions(flag, value, words),
    ...(words.includes(IDMAP) && { isIdmapped: true }),
  };
}

function parseNamed(
  flag: string,
  value: string,
  name: string,
  target: string,
  words: string[],
): RequestedMount {
  const destination = parseDestination(flag, value, target);
  return volumeMount(name, destination, bindOptions(flag, value, words, true), {
    ...(words.includes('nocopy') && { noCopy: true }),
    ...(words.includes('U') && { chowns: true }),
    ...(words.includes(IDMAP) && { isIdmapped: true }),
  });
}

/** As in Docker and Podman: a name has no slash. */
function isPath(source: string): boolean {
  return source.includes('/') || source === '.' || source === '..';
}

/**
 * Parses a `--volumes-from` value: `CONTAINER[:OPTION[,OPTION...]]`.
 * @throws FosterError
 */
export function parseVolumesFrom(value: string): VolumesFrom {
  const flag = '--volumes-from';
  const [reference = '', options = 'rw', ...rest] = value.split(':');
  const words = options.split(',');
  const wrong = words.find((word) => !['ro', 'rw', 'z', 'Z'].includes(word));
  if (reference === '' || rest.length > 0 || wrong !== undefined)
    throw flagError(flag, value, 'expected CONTAINER[:ro|rw|z]');
  checkExclusive(flag, value, words, EXCLUSIVE);
  return { reference, isReadOnly: words.includes('ro') };
}

/** The mount options of a bind mount or volume, without those for volumes only. @throws FosterError */
export function bindOptions(flag: string, value: string, words: string[], isVolume = false): string[] {
  for (const word of words) {
    if (!isVolume || !OF_VOLUMES.includes(word)) refuseOption(flag, value, word);
    if (word === IDMAP) continue;
    if (/^idmap=/.test(word)) refuseMaps(flag, value);
    if (![...EXCLUSIVE, RECURSION, PROPAGATION, IGNORED, OF_VOLUMES].some((group) => group.includes(word))) {
      throw flagError(
        flag,
        value,
        `unknown option ${quoted(word)}, expected ro, rw, nosuid, nodev, noexec, bind ...`,
      );
    }
  }
  checkExclusive(flag, value, words, [
    ...[...EXCLUSIVE, RECURSION, PROPAGATION],
    ...[
      ['copy', 'nocopy'],
      ['U', IDMAP],
    ],
  ]);
  return [
    words.find((word) => RECURSION.includes(word)) ?? 'rbind',
    words.find((word) => PROPAGATION.includes(word)) ?? 'rprivate',
    // rw states the default, which leaves it to the host whether a mount can be written to
    ...new Set(words.filter((word) => word !== 'rw' && EXCLUSIVE.some((group) => group.includes(word)))),
  ];
}

/** @throws FosterError for the ids of Podman's `idmap=uids=...` */
export function refuseMaps(flag: string, value: string): never {
  const because = 'the ids are those that the container has';
  throw new FosterError(`${flag} ${quoted(value)}: maps of idmap are not supported yet: ${because}`, {
    kind: 'unsupported',
    advice: 'use idmap alone',
  });
}

function checkExclusive(flag: string, value: string, words: string[], groups: string[][]): void {
  for (const group of groups) {
    const [first, second] = new Set(words.filter((word) => group.includes(word)));
    if (second !== undefined) throw flagError(flag, value, `${first} and ${second} cannot be used together`);
  }
}

export function parseSource(flag: string, value: string, source: string, context: PathContext): string {
  const path = resolve(context.cwd, source);
  if (!context.exists(path)) throw flagError(flag, value, `${path} does not exist`, 'create it first');
  return path;
}

export function parseDestination(flag: string, value: string, target: string): string {
  if (!target.startsWith('/')) {
    throw flagError(flag, value, `the destination ${quoted(target)} is not an absolute path`);
  }
  const destination = posix.resolve('/', target);
  if (destination === '/') throw flagError(flag, value, "the destination cannot be '/'");
  return destination;
}

/**
 * Parses a `--tmpfs` value, `DESTINATION[:OPTION[,OPTION...]]`; nosuid, nodev and noexec by default.
 * @throws FosterError
 */
export function parseTmpfs(value: string): Mount {
  const flag = '--tmpfs';
  const colon = value.indexOf(':');
  const target = colon < 0 ? value : value.slice(0, colon);
  const words = colon < 0 ? [] : value.slice(colon + 1).split(',');
  return tmpfsMount(flag, value, parseDestination(flag, value, target), words.filter(Boolean));
}

export function tmpfsMount(flag: string, value: string, destination: string, words: string[]): Mount {
  for (const word of words) checkTmpfsOption(flag, value, word);
  const own = words.filter((word) => word !== 'notmpcopyup');
  checkExclusive(flag, value, words, EXCLUSIVE);
  const defaults = TMPFS_DEFAULTS.filter((word) => !words.includes(word) && !words.includes(word.slice(2)));
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...defaults, ...own] };
}

function checkTmpfsOption(flag: string, value: string, word: string): void {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  const setting = equals < 0 ? undefined : word.slice(equals + 1);
  refuseOption(flag, value, key);
  if (key === IDMAP) throw flagError(flag, value, 'the files of a tmpfs belong to the container anyway');
  if (setting === undefined) {
    if (EXCLUSIVE.some((group) => group.includes(key)) || TMPFS_FLAGS.includes(key)) return;
    throw flagError(
      flag,
      value,
      `unknown option ${quoted(word)}, expected size=64m, mode=1777, ro, exec ...`,
    );
  }
  const valid: Record<string, RegExp> = {
    size: /^\d+([kmg]|%)?$/i,
    nr_blocks: /^\d+[kmg]?$/i,
    nr_inodes: /^\d+[kmg]?$/i,
    mode: /^[0-7]{1,5}$/,
    uid: /^\d{1,10}$/,
    gid: /^\d{1,10}$/,
  };
  if (!Object.hasOwn(valid, key)) throw flagError(flag, value, `unknown option ${quoted(key)}`);
  if (!valid[key]?.test(setting)) throw flagError(flag, value, `${quoted(setting)} is not a valid ${key}`);
}

/**
 * Refuses two mounts at the same destination, as Docker does.
 * @throws FosterError
 */
export function checkDuplicateMounts(mounts: Mount[]): void {
  const seen = new Set<string>();
  for (const { destination } of mounts) {
    if (seen.has(destination)) {
      throw new FosterError(`duplicate mount point: ${destination}`, {
        advice: 'remove one of the mounts',
      });
    }
    seen.add(destination);
  }
}
