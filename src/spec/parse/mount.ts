import { posix } from 'node:path';
import { parseVolumeName } from '../names.js';
import type { RequestedMount, VolumeOptions } from '../request.js';
import { flagError, parseBoolean, quoted, unsupportedValue } from './flag.js';
import { parseSize } from './sizes.js';
import {
  bindOptions,
  type PathContext,
  PROPAGATION,
  parseDestination,
  parseSource,
  refuseMaps,
  refuseOption,
  tmpfsMount,
  volumeMount,
} from './volumes.js';

/**
 * Parses a `--mount` value, comma-separated `KEY=VALUE` fields as in Docker; a field that contains a comma must be in
 * double quotes.
 * @throws FosterError, also if the source of a bind mount does not exist
 */
export function parseMount(value: string, context: PathContext): RequestedMount {
  const flag = '--mount';
  const fields = parseFields(value);
  const type = fields.get('type') ?? 'volume';
  const target = fields.get('target');
  if (!isKnown(type)) {
    const reason = OTHER_TYPES.get(type);
    if (reason === undefined)
      throw flagError(flag, value, `expected a mount of type bind, tmpfs, volume or devpts`);
    throw unsupportedValue(flag, value, ...reason);
  }
  if (!target) throw flagError(flag, value, 'the destination is missing', 'add destination=/PATH');
  const foreign = [...fields.keys()].find(
    (key) => /^(bind|tmpfs|devpts|volume)-/.test(key) && !key.startsWith(`${type}-`),
  );
  if (foreign !== undefined)
    throw flagError(flag, value, `${foreign.replace(/^devpts-/, '')} cannot be used with type=${type}`);
  const destination = parseDestination(flag, value, target);
  const source = fields.get('source');
  refuseFields(value, fields, type);
  const readOnly = isReadOnly(fields) ? ['ro'] : [];
  const isIdmapped = idmapOf(value, fields, type);
  if (type === 'tmpfs') {
    if (source !== undefined) throw flagError(flag, value, 'a tmpfs has no source');
    return tmpfsMount(flag, value, destination, [...readOnly, ...tmpfsFields(value, fields)]);
  }
  if (type === 'devpts') {
    if (source !== undefined) throw flagError(flag, value, 'a devpts has no source');
    return {
      destination,
      type,
      source: type,
      options: [...DEVPTS, ...readOnly, ...devptsFields(value, fields)],
    };
  }
  if (type === 'volume') {
    const name = source ? parseVolumeName(flag, value, source) : '';
    const options = { ...volumeFields(value, fields), ...(isIdmapped && { isIdmapped }) };
    if (isIdmapped && options.chowns) throw flagError(flag, value, 'U and idmap cannot be used together');
    if (isIdmapped && options.subpath !== undefined)
      throw flagError(flag, value, 'volume-subpath and idmap cannot be used together');
    return volumeMount(name, destination, readOnly, options);
  }
  if (!source) throw flagError(flag, value, 'the source is missing', 'add source=PATH');
  const top = parseSource(flag, value, source, context);
  const path = parseSubpath(value, 'bind-subpath', fields.get('bind-subpath'));
  if (isIdmapped && path !== undefined)
    throw flagError(flag, value, 'bind-subpath and idmap cannot be used together');
  return {
    destination,
    type,
    source: path === undefined ? top : posix.join(top, path),
    options: bindOptions(flag, value, [...bindFields(value, fields), ...readOnly]),
    ...(isIdmapped && { isIdmapped }),
    ...(path !== undefined && { beneath: { top, path } }),
  };
}

function volumeFields(value: string, fields: Map<string, string>): VolumeOptions {
  const isSet = (field: string) => parseBoolean(`--mount ${field}`, fields.get(field) ?? 'false');
  const subpath = parseSubpath(value, 'volume-subpath', fields.get('volume-subpath'));
  const driver = fields.get('volume-driver');
  if (driver && driver !== 'local')
    throw unsupportedValue('--mount', value, 'volumes are folders on this machine', 'use the driver local');
  return {
    ...(isSet('volume-nocopy') && { noCopy: true }),
    ...(isSet('chown') && { chowns: true }),
    ...(subpath !== undefined && { subpath }),
    ...pairsOf(value, fields, 'volume-label', 'labels'),
    ...pairsOf(value, fields, 'volume-opt', 'options'),
  };
}

/** @returns the path without empty parts; undefined if there is none */
function parseSubpath(value: string, field: string, path: string | undefined): string | undefined {
  if (!path) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..') || parts.length === 0)
    throw flagError(
      '--mount',
      value,
      `${field} is a relative path in the ${field === 'bind-subpath' ? 'source' : 'volume'}, without ..`,
    );
  return parts.join('/');
}

/** `KEY=VALUE` of a field that may be given several times. */
function pairsOf(
  value: string,
  fields: Map<string, string>,
  field: string,
  name: 'labels' | 'options',
): Pick<VolumeOptions, 'labels' | 'options'> {
  const lines = fields.get(field)?.split('\0') ?? [];
  const pairs = lines.map((line): [string, string] => {
    const equals = line.indexOf('=');
    const key = equals < 0 ? line : line.slice(0, equals);
    if (key === '') throw flagError('--mount', value, `${field} is KEY=VALUE`);
    return [key, equals < 0 ? '' : line.slice(equals + 1)];
  });
  return pairs.length === 0 ? {} : { [name]: Object.fromEntries(pairs) };
}

/** Podman has `rw` in addition to `readonly`. */
function isReadOnly(fields: Map<string, string>): boolean {
  const [readOnly, writable] = [fields.get('readonly'), fields.get('rw')];
  if (readOnly !== undefined) return parseBoolean('--mount readonly', readOnly);
  return writable !== undefined && !parseBoolean('--mount rw', writable);
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

const DEVPTS = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666'];

/** Podman's: uid, gid, mode, max. */
function devptsFields(value: string, fields: Map<string, string>): string[] {
  return ['uid', 'gid', 'mode', 'max'].flatMap((name) => {
    const setting = fields.get(`devpts-${name}`);
    if (setting === undefined) return [];
    if (!(name === 'mode' ? /^[0-7]{1,4}$/ : /^\d{1,9}$/).test(setting))
      throw flagError('--mount', value, `${name} is ${name === 'mode' ? 'an octal mode' : 'a number'}`);
    return [`${name}=${setting}`];
  });
}

type MountType = 'bind' | 'tmpfs' | 'volume' | 'devpts';

function isKnown(type: string): type is MountType {
  return ['bind', 'tmpfs', 'volume', 'devpts'].includes(type);
}

const OTHER_TYPES: ReadonlyMap<string, readonly [because: string, advice?: string]> = new Map([
  ['image', ['the files of other images are not mounted', "use 'foster create IMAGE' and 'foster cp'"]],
  ['glob', ['a pattern does not name mounts', 'use one --mount for each file']],
  ['npipe', ['named pipes of Windows are not known']],
  ['cluster', ['foster runs containers on one machine']],
]);

/** Refuses fields that foster does not support, if they are true. */
function refuseFields(value: string, fields: Map<string, string>, type: MountType): void {
  for (const [field, option] of [
    ['chown', 'U'],
    ['tmpcopyup', 'tmpcopyup'],
  ] as const) {
    const setting = fields.get(field);
    if (type === 'volume' && field === 'chown') continue;
    if (setting !== undefined && setting !== 'false') refuseOption('--mount', value, option);
  }
  const relabel = fields.get('relabel') ?? 'shared';
  if (relabel !== 'shared' && relabel !== 'private')
    throw flagError('--mount', value, 'relabel is shared or private');
}

function idmapOf(value: string, fields: Map<string, string>, type: MountType): true | undefined {
  const setting = fields.get('idmap') ?? 'false';
  if (setting.includes('=')) refuseMaps('--mount', value);
  if (!parseBoolean('--mount idmap', setting)) return undefined;
  if (type === 'tmpfs' || type === 'devpts')
    throw flagError('--mount', value, `idmap cannot be used with type=${type}`);
  return true;
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
  ['rw', 'rw'],
  ['tmpfs-size', 'tmpfs-size'],
  ['tmpfs-mode', 'tmpfs-mode'],
  ['bind-propagation', 'bind-propagation'],
  ['bind-subpath', 'bind-subpath'],
  ['bind-nonrecursive', 'bind-nonrecursive'],
  ['bind-recursive', 'bind-recursive'],
  ['consistency', 'consistency'],
  ['relabel', 'relabel'],
  ['u', 'chown'],
  ['chown', 'chown'],
  ['idmap', 'idmap'],
  ['tmpcopyup', 'tmpcopyup'],
  ['notmpcopyup', 'notmpcopyup'],
  ['uid', 'devpts-uid'],
  ['gid', 'devpts-gid'],
  ['mode', 'devpts-mode'],
  ['max', 'devpts-max'],
  ['volume-nocopy', 'volume-nocopy'],
  ['volume-driver', 'volume-driver'],
  ['volume-opt', 'volume-opt'],
  ['volume-label', 'volume-label'],
  ['volume-subpath', 'volume-subpath'],
]);

/** Fields that may be given several times; their values are joined by NUL. */
const REPEATABLE = ['volume-opt', 'volume-label'];

/** Fields that mean true without a value. */
const SWITCHES = [
  'readonly',
  'rw',
  'bind-nonrecursive',
  'chown',
  'idmap',
  'tmpcopyup',
  'notmpcopyup',
  'volume-nocopy',
];

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
    const given = equals < 0 ? 'true' : field.slice(equals + 1);
    const before = fields.get(key);
    if (before !== undefined && !REPEATABLE.includes(key))
      throw flagError('--mount', value, `${written} is given twice`);
    fields.set(key, before === undefined ? given : `${before}\0${given}`);
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
