import { closeSync, openSync } from 'node:fs';
import type { IdMaps } from '../spec/id-maps.js';
import type { Beneath } from '../spec/request.js';
import { SystemCallError } from '../sys/ffi.js';
import { openBeneath } from '../sys/libc.js';
import { copyMount, shiftIds } from '../sys/mount.js';
import { openUserNamespace } from './remove-trees.js';

interface WantedMount {
  source: string;
  /** The same, if no link is to be followed below a folder. */
  beneath?: Beneath | undefined;
  isDeep: boolean;
}

/**
 * Detached mounts of the host's files in which user N of the host is user N of the container with these maps, for a
 * helper in a user namespace that cannot create them. Containers get theirs from src/init/launcher.c.
 * @returns descriptors, which the caller must close; undefined for a mount that cannot be shifted
 */
export function shiftedMounts(wanted: readonly WantedMount[], maps: IdMaps): (number | undefined)[] {
  if (wanted.length === 0) return [];
  const users = openUserNamespace(maps);
  try {
    return wanted.map((one) => shiftedMount(one, users));
  } finally {
    closeSync(users);
  }
}

function shiftedMount({ source, beneath, isDeep }: WantedMount, users: number): number | undefined {
  let mount: number | undefined;
  try {
    mount = beneath ? copyPart(beneath, { isDeep }) : copyMount(source, { isDeep });
    shiftAll(mount, users, isDeep);
    return mount;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (mount !== undefined) closeSync(mount);
    return undefined;
  }
}

/** No link is followed below the folder. */
function copyPart({ top, path }: Beneath, depth: { isDeep: boolean }): number {
  const O_PATH = 0o10000000;
  const folder = openSync(top, O_PATH);
  try {
    const part = openBeneath(folder, path, O_PATH);
    try {
      return copyMount(`/proc/self/fd/${part}`, depth);
    } finally {
      closeSync(part);
    }
  } finally {
    closeSync(folder);
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
