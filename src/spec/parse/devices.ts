import { posix } from 'node:path';
import type { Mount } from '../types.js';
import { flagError, unsupportedValue } from './flag.js';
import type { PathContext } from './volumes.js';

/**
 * Parses a `--device` value, `HOST[:CONTAINER][:PERMISSIONS]`. The device node of the host, or a directory with device
 * nodes, is mounted in the container. Only its mode says who may open it: no cgroup restricts that further.
 * @throws FosterError
 */
export function parseDevice(value: string, context: PathContext): Mount {
  const flag = '--device';
  const [source = '', second, third, ...rest] = value.split(':');
  const permissions = third ?? (isPermissions(second) ? second : undefined);
  const target = isPermissions(second) && third === undefined ? source : (second ?? source);
  if (!source.startsWith('/') || !target.startsWith('/') || rest.length > 0) {
    const isQualified = /^[\w.-]+\/[\w.-]+=/.test(value);
    if (isQualified)
      throw unsupportedValue(flag, value, 'devices of the Container Device Interface are not known');
    throw flagError(flag, value, 'expected HOST[:CONTAINER][:PERMISSIONS], for example /dev/fuse');
  }
  if (permissions !== undefined && !isPermissions(permissions))
    throw flagError(flag, value, 'the permissions are letters of r, w and m');
  if (permissions !== undefined && !(permissions.includes('r') && permissions.includes('w')))
    throw unsupportedValue(
      flag,
      value,
      'there is no cgroup that takes permissions away',
      'use rwm, and the mode of the device node',
    );
  const path = posix.resolve('/', source);
  if (!context.exists(path)) throw flagError(flag, value, `${path} does not exist`);
  const destination = posix.resolve('/', target);
  if (destination === '/' || destination === '/dev')
    throw flagError(flag, value, 'the destination is a device');
  return { destination, type: 'bind', source: path, options: ['rbind', 'rprivate', 'nosuid', 'noexec'] };
}

function isPermissions(text: string | undefined): text is string {
  return text !== undefined && /^[rwm]{1,3}$/.test(text);
}
