import { closeSync } from 'node:fs';
import type { IdMaps } from '../spec/id-maps.js';
import { SystemCallError } from '../sys/ffi.js';
import { copyMount, shiftIds } from '../sys/mount.js';
import { openUserNamespace } from './remove-trees.js';

/**
 * Detached mounts of the host's files in which user N of the host is user N of the container with these maps, for a
 * helper in a user namespace that cannot create them. Containers get theirs from src/init/launcher.c.
 * @returns descriptors, which the caller must close; undefined for a mount that cannot be shifted
 */
export function shiftedMounts(
  wanted: { source: string; isDeep: boolean }[],
  maps: IdMaps,
): (number | undefined)[] {
  if (wanted.length === 0) return [];
  const users = openUserNamespace(maps);
  try {
    return wanted.map(({ source, isDeep }) => shiftedMount(source, isDeep, users));
  } finally {
    closeSync(users);
  }
}

function shiftedMount(source: string, isDeep: boolean, users: number): number | undefined {
  let mount: number | undefined;
  try {
    mount = copyMount(source, { isDeep });
    shiftAll(mount, users, isDeep);
    return mount;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (mount !== undefined) closeSync(mount);
    return undefined;
  }
}

/** If a file system mounted below does not support it, shifts only the mount itself. */
function shiftAll(mount: number, users: number, isDeep: boolean): void {
  try {
    shiftIds(mount, users, { isDeep });
  } catch (error) {
    if (!isDeep) throw error;
    shiftIds(mount, users, { isDeep: false });
  }
}
