import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { findFuseOverlayfs, mountStorage } from '../launch/storage-program.js';
import { TREE } from '../layers/tree-protocol.js';
import { FosterError } from '../sys/errors.js';
import { bindMount, makeReadOnly, mountOverlay, mountsBelow, unmount } from '../sys/mount.js';
import { containerFolder, dataFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import { type ContainerRecord, layersOf } from './record.js';
import { type Container, listContainers } from './store.js';

/**
 * Mounts a container's files for reading in the mount namespace of `foster unshare`, and disappears with it.
 * @returns the mount point
 * @throws FosterError outside of `foster unshare`, where only root could mount something
 */
export function mountContainer({ record }: Container): string {
  requireUnshared('mount');
  const folder = containerFolder(record.id);
  const place = join(folder, 'root');
  const upper = join(folder, 'upper');
  const trees =
    record.driver === 'copy'
      ? [join(folder, TREE)]
      : [...(existsSync(upper) ? [upper] : []), ...layersOf(record)];
  if (record.driver === 'fuse-overlayfs') {
    const storage = { program: findFuseOverlayfs(), container: folder, layers: trees };
    mountStorage(storage, { isReadOnly: true, outlivesUs: true });
    return place;
  }
  const O_PATH = 0o10000000;
  const fds = trees.map((tree) => openSync(tree, O_PATH | constants.O_DIRECTORY));
  try {
    const [only, ...others] = trees;
    if (only !== undefined && others.length === 0) mountAlone(only, place);
    else mountOverlay(place, { lower: fds.map((fd) => `/proc/self/fd/${fd}`) });
  } finally {
    fds.forEach(closeSync);
  }
  return place;
}

/** Mounts a single layer, which cannot be an overlay. It is read-only, because other containers may use it, too. */
function mountAlone(tree: string, place: string): void {
  bindMount(tree, place);
  try {
    makeReadOnly(place, { isDeep: true });
  } catch (error) {
    unmount(place);
    throw error;
  }
}

/** @throws FosterError if it is not mounted */
export function unmountContainer({ record }: Container): void {
  requireUnshared('umount');
  try {
    unmount(join(containerFolder(record.id), 'root'));
  } catch (error) {
    throw new FosterError(`container ${record.name} is not mounted`, { exitCode: 1, cause: error });
  }
}

/** The containers mounted in this mount namespace, and their mount points. @throws FosterError outside of `foster unshare` */
export function mountedContainers(): { id: string; name: string; path: string }[] {
  requireUnshared('mount');
  const places = new Set(mountsBelow(join(dataFolder(), 'containers')));
  return listContainers().flatMap(({ record: { id, name } }) => {
    const path = join(containerFolder(id), 'root');
    return places.has(path) ? [{ id, name, path }] : [];
  });
}

/** Undoes `mountContainer` if it was done in this mount namespace. */
export function unmountIfMounted({ id }: ContainerRecord): void {
  const place = join(containerFolder(id), 'root');
  if (mountsBelow(containerFolder(id)).includes(place)) unmount(place);
}

function requireUnshared(command: string): void {
  if (surroundings().env.FOSTER_UNSHARED === '1' || process.getuid?.() === 0) return;
  throw new FosterError(`foster ${command} works only inside foster unshare`, {
    advice: 'run "foster unshare", and in its shell "foster mount CONTAINER"',
  });
}
