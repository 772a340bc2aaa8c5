import type { HostOrPrivate, IpcMode, PidMode, UsernsMode, WantedIds } from '../request.js';
import type { IdMapping } from '../types.js';
import { flagError, unsupportedValue } from './flag.js';

/** The options for a container's namespaces: `--pid`, `--ipc` and so on. */

const JOIN_ADVICE = 'use --pid container:NAME, which shares the user and PID namespaces';

/** @throws FosterError */
export function parsePid(value: string): PidMode {
  if (value === '' || value === 'private') return { kind: 'private' };
  if (value === 'host') return { kind: 'host' };
  refuseForeign('--pid', value);
  const reference = value.startsWith('container:') ? value.slice('container:'.length) : '';
  if (reference === '') throw flagError('--pid', value, 'expected private, host or container:NAME');
  return { kind: 'container', reference };
}

/** `shareable` means the same as private: foster lets other containers join either. @throws FosterError */
export function parseIpc(value: string): IpcMode {
  if (value === '' || value === 'private' || value === 'shareable') return 'private';
  if (value === 'host' || value === 'none') return value;
  refuseForeign('--ipc', value);
  if (/^container:./.test(value))
    throw unsupportedValue('--ipc', value, 'containers share only PID and user namespaces', JOIN_ADVICE);
  throw flagError('--ipc', value, 'expected private, shareable, host or none');
}

/** `--uts`, `--cgroupns`. @throws FosterError */
export function parseHostOrPrivate(flag: string, value: string): HostOrPrivate {
  if (value === '' || value === 'private') return 'private';
  if (value === 'host') return value;
  refuseForeign(flag, value);
  if (/^container:./.test(value))
    throw unsupportedValue(flag, value, 'containers share only PID and user namespaces', JOIN_ADVICE);
  throw flagError(flag, value, 'expected private or host');
}

/** Refuses namespaces of pods, and existing namespaces given by a path. */
function refuseForeign(flag: string, value: string): void {
  if (value === 'pod') throw unsupportedValue(flag, value, 'there are no pods');
  if (value.startsWith('ns:'))
    throw unsupportedValue(
      flag,
      value,
      'namespaces are not joined by their path on the command line',
      'use namespaces[].path in the config.json of an OCI bundle',
    );
}

/**
 * The ids that --userns, --uidmap and --gidmap request. If only one of the two maps is given, it is used for both.
 * @throws FosterError
 */
export function parseIds(userns: string, uidmap?: string[], gidmap?: string[]): WantedIds {
  if (uidmap === undefined && gidmap === undefined) {
    const keep = userns.startsWith('keep-id:') ? parseKeptIds(userns) : undefined;
    return keep === undefined ? {} : { keep };
  }
  const mode = parseUserns(userns);
  if (mode !== 'default')
    throw flagError('--userns', userns, 'it cannot be used together with --uidmap and --gidmap');
  const uid = (uidmap ?? gidmap ?? []).map((line) => parseMapLine(uidmap ? '--uidmap' : '--gidmap', line));
  const gid = (gidmap ?? uidmap ?? []).map((line) => parseMapLine(gidmap ? '--gidmap' : '--uidmap', line));
  return { uid, gid };
}

const MAX_ID = 2 ** 32 - 2;

function parseKeptIds(userns: string): { uid?: number; gid?: number } {
  const keep: { uid?: number; gid?: number } = {};
  for (const part of userns.slice('keep-id:'.length).split(',')) {
    const [, key, id] = /^([ug]id)=(\d{1,10})$/.exec(part) ?? [];
    if (key === undefined || Number(id) > MAX_ID)
      throw flagError('--userns', userns, 'expected keep-id:uid=UID,gid=GID');
    keep[key as 'uid' | 'gid'] = Number(id);
  }
  return keep;
}

function parseMapLine(flag: string, value: string): IdMapping {
  const match = /^(\d{1,10}):(\d{1,10})(?::(\d{1,10}))?$/.exec(value);
  const [containerID = 0, hostID = 0, size = 1] = (match?.slice(1) ?? []).map((text) => Number(text ?? 1));
  if (match === null || size < 1 || Math.max(containerID, hostID) + size - 1 > MAX_ID)
    throw flagError(flag, value, 'expected CONTAINER_ID:ID[:COUNT], for example 0:0:1000');
  return { containerID, hostID, size };
}

/** @throws FosterError */
export function parseUserns(value: string): UsernsMode {
  switch (value) {
    case '':
    case 'private':
    case 'default':
      return 'default';
    case 'host':
    case 'keep-id':
    case 'auto':
      return value;
    case 'nomap':
      return 'auto'; // in both, the caller's own ids are not mapped
  }
  refuseForeign('--userns', value);
  if (value.startsWith('container:'))
    throw unsupportedValue(
      '--userns',
      value,
      'a user namespace is shared with its PID namespace',
      JOIN_ADVICE,
    );
  if (value.startsWith('keep-id:')) return 'keep-id';
  if (value.startsWith('auto:'))
    throw unsupportedValue('--userns', value, 'a container gets all ids of your ranges', 'use --userns auto');
  throw flagError('--userns', value, 'expected default, host, keep-id, auto or nomap');
}
