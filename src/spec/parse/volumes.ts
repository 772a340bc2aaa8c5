import { posix, resolve } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import type { Mount } from '../types.js';
import { flagError, parseBoolean, quoted } from './flag.js';
import { parseSize } from './sizes.js';

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
const PROPAGATION = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];
/** SELinux labels and Docker Desktop's cache hints have no effect here, but are in many scripts. */
const IGNORED = ['z', 'Z', 'nocopy', 'consistent', 'cached', 'delegated'];

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
];

/**
 * A folder of the container's own outside its root filesystem, with a copy of the image's content at that path. Its
 * source is set when the container is known (from-request.ts).
 */
export function anonymousVolume(destination: string, options: string[] = []): Mount {
  return { destination, type: 'volume', source: '', options: ['rbind', 'rprivate', ...options] };
}

/**
 * Parses a `-v` value: `SOURCE:DESTINATION[:OPTION[,OPTION...]]` is a bind mount, recursive and private by default;
 * `DESTINATION` alone is an anonymous volume.
 * @throws FosterError, also if the source does not exist
 */
export function parseVolume(value: string, context: PathContext): Mount {
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
  const destination = parseDestination(flag, value, target);
  const words = options === undefined || options === '' ? [] : options.split(',');
  return {
    destination,
    type: 'bind',
    source: parseSource(flag, value, source, context),
    options: bindOptions(flag, value, words),
  };
}

function bindOptions(flag: string, value: string, words: string[]): string[] {
  for (const word of words) {
    if (![...EXCLUSIVE, RECURSION, PROPAGATION, IGNORED].some((group) => group.includes(word))) {
      throw flagError(
        flag,
        value,
        `unknown option ${quoted(word)}, expected ro, rw, nosuid, nodev, noexec, bind ...`,
      );
    }
  }
  checkExclusive(flag, value, words, [...EXCLUSIVE, RECURSION, PROPAGATION]);
  return [
    words.find((word) => RECURSION.includes(word)) ?? 'rbind',
    words.find((word) => PROPAGATION.includes(word)) ?? 'rprivate',
    ...new Set(words.filter((word) => EXCLUSIVE.some((group) => group.includes(word)))),
  ];
}

function checkExclusive(flag: string, value: string, words: string[], groups: string[][]): void {
  for (const group of groups) {
    const [first, second] = new Set(words.filter((word) => group.includes(word)));
    if (second !== undefined) throw flagError(flag, value, `${first} and ${second} cannot be used together`);
  }
}

function parseSource(flag: string, value: string, source: string, context: PathContext): string {
  if (!source.includes('/') && source !== '.' && source !== '..') {
    throw flagError(
      flag,
      value,
      'named volumes are not supported yet',
      `use ./${source} for the file or directory of that name`,
    );
  }
  const path = resolve(context.cwd, source);
  if (!context.exists(path)) throw flagError(flag, value, `${path} does not exist`, 'create it first');
  return path;
}

function parseDestination(flag: string, value: string, target: string): string {
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
  return tmpfs(flag, value, parseDestination(flag, value, target), words.filter(Boolean));
}

function tmpfs(flag: string, value: string, destination: string, words: string[]): Mount {
  for (const word of words) checkTmpfsOption(flag, value, word);
  checkExclusive(flag, value, words, EXCLUSIVE);
  const defaults = TMPFS_DEFAULTS.filter((word) => !words.includes(word) && !words.includes(word.slice(2)));
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...defaults, ...words] };
}

function checkTmpfsOption(flag: string, value: string, word: string): void {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  const setting = equals < 0 ? undefined : word.slice(equals + 1);
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
 * Parses a `--mount` value, comma-separated `KEY=VALUE` fields as in Docker; a field that contains a comma must be in
 * double quotes.
 * @throws FosterError, also if the source of a bind mount does not exist
 */
export function parseMount(value: string, context: PathContext): Mount {
  const flag = '--mount';
  const fields = parseFields(value);
  const type = fields.get('type') ?? 'volume';
  const target = fields.get('target');
  if (type !== 'bind' && type !== 'tmpfs' && type !== 'volume') {
    throw flagError(
      flag,
      value,
      `mounts of type ${type} are not supported yet`,
      'use type=bind, type=tmpfs or type=volume',
    );
  }
  if (!target) throw flagError(flag, value, 'the destination is missing', 'add destination=/PATH');
  const foreign = [...fields.keys()].find((key) => /^(bind|tmpfs)-/.test(key) && !key.startsWith(`${type}-`));
  if (foreign !== undefined) throw flagError(flag, value, `${foreign} cannot be used with type=${type}`);
  const destination = parseDestination(flag, value, target);
  const source = fields.get('source');
  const readOnly = parseBoolean('--mount readonly', fields.get('readonly') ?? 'false') ? ['ro'] : [];
  if (type === 'tmpfs') {
    if (source !== undefined) throw flagError(flag, value, 'a tmpfs has no source');
    return tmpfs(flag, value, destination, [...readOnly, ...tmpfsFields(value, fields)]);
  }
  if (type === 'volume') {
    if (source) {
      throw flagError(
        flag,
        value,
        'named volumes are not supported yet',
        'omit the source, or use type=bind',
      );
    }
    return anonymousVolume(destination, readOnly);
  }
  if (!source) throw flagError(flag, value, 'the source is missing', 'add source=PATH');
  return {
    destination,
    type,
    source: parseSource(flag, value, source, context),
    options: bindOptions(flag, value, [...bindFields(value, fields), ...readOnly]),
  };
}

function tmpfsFields(value: string, fields: Map<string, string>): string[] {
  const size = fields.get('tmpfs-size');
  const mode = fields.get('tmpfs-mode');
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) {
    throw flagError('--mount', value, 'tmpfs-mode is an octal mode such as 1777');
  }
  return [
    ...(size === undefined ? [] : [`size=${parseSize('--mount tmpfs-size', size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
}

function bindFields(value: string, fields: Map<string, string>): string[] {
  const propagation = fields.get('bind-propagation');
  if (propagation !== undefined && !PROPAGATION.includes(propagation)) {
    throw flagError('--mount', value, `bind-propagation is one of ${PROPAGATION.join(', ')}`);
  }
  const recursive = fields.get('bind-recursive') ?? 'enabled';
  if (recursive !== 'enabled' && recursive !== 'disabled') {
    throw flagError('--mount', value, 'bind-recursive is enabled or disabled');
  }
  const flat = parseBoolean('--mount bind-nonrecursive', fields.get('bind-nonrecursive') ?? 'false');
  return [
    flat || recursive === 'disabled' ? 'bind' : 'rbind',
    ...(propagation === undefined ? [] : [propagation]),
  ];
}

/** All spellings of fields, and their canonical ones. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['type', 'type'],
  ['source', 'source'],
  ['src', 'source'],
  ['target', 'target'],
  ['destination', 'target'],
  ['dst', 'target'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['tmpfs-size', 'tmpfs-size'],
  ['tmpfs-mode', 'tmpfs-mode'],
  ['bind-propagation', 'bind-propagation'],
  ['bind-nonrecursive', 'bind-nonrecursive'],
  ['bind-recursive', 'bind-recursive'],
  ['consistency', 'consistency'],
]);

/** Fields that mean true without a value. */
const SWITCHES = ['readonly', 'bind-nonrecursive'];

function parseFields(value: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitFields(value)) {
    const equals = field.indexOf('=');
    const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = FIELDS.get(written);
    if (key === undefined) {
      throw flagError(
        '--mount',
        value,
        `unknown field ${quoted(written)}, expected type, source, destination, readonly ...`,
      );
    }
    if (equals < 0 && !SWITCHES.includes(key)) throw flagError('--mount', value, `${written} needs a value`);
    if (fields.has(key)) throw flagError('--mount', value, `${written} is given twice`);
    fields.set(key, equals < 0 ? 'true' : field.slice(equals + 1));
  }
  return fields;
}

/** One line of comma-separated values: RFC 4180. */
function splitFields(value: string): string[] {
  const fields: string[] = [];
  let rest = value;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/s.exec(rest);
    if (match === null)
      throw flagError(
        '--mount',
        value,
        'the quotes are not balanced',
        'quote whole fields: \'"source=/a,b"\'',
      );
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
    rest = rest.slice(match[0].length);
  }
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
