import { closeSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TREE, VOLUMES } from '../layers/tree-protocol.js';
import { defaultIdMaps } from '../spec/choose-id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { mountsBelow, unmount } from '../sys/mount.js';
import { containerFolder, lockPath, nameLink } from '../sys/paths.js';
import { soloMark } from '../volume/store.js';
import { type RemoveOptions, removeTrees } from '../worker/remove-trees.js';
import { removeCgroups, thaw } from './cgroups.js';
import { withStoreLock } from './change.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { ownsAll } from './owns-all.js';
import type { ContainerRecord } from './record.js';
import {
  type Container,
  idOfName,
  isAlive,
  isLocked,
  lockContainer,
  readContainer,
  readLive,
} from './store.js';
import { removeAnonymousVolumes } from './volume-users.js';

/**
 * The paths of a container with --rm, in the order in which its monitor removes them: first the record, so that no command
 * sees half a container, and last the lock, so that nobody can take it before. Anonymous volumes are removed only if their
 * marks say that no other container uses them: src/init/janitor.c.
 */
export function pathsOf({ id, name, volumes = [] }: ContainerRecord): string[] {
  const own = volumes.filter(({ isNew }) => isNew).map((volume) => soloMark(volume.name));
  return [recordFile(id), nameLink(name), containerFolder(id), ...own, lockPath(id)];
}

function recordFile(id: string): string {
  return join(containerFolder(id), 'config.json');
}

/** The id maps of the container's user namespace; undefined if it is in the caller's. */
export function mapsOf(record: Pick<ContainerRecord, 'spec' | 'usesMapHelpers'>): IdMaps | undefined {
  const { uidMappings, gidMappings } = record.spec.linux;
  if (uidMappings.length === 0) return undefined;
  return { uid: uidMappings, gid: gidMappings, helpers: record.usesMapHelpers };
}

/** Milliseconds to wait for another command that is working on a container to be removed. */
const PATIENCE = { orderly: 2000, force: 15_000 };

/**
 * Removes a container, even if its record is damaged. With `force`, a container that is running, paused or about to be
 * restarted is killed first. It is not a failure if another command has just removed it.
 * @param options.volumes also removes its anonymous volumes; a container with --rm always loses them
 * @throws FosterError if it is alive, or if its files cannot be removed
 */
export async function removeContainer(
  id: string,
  options: { force: boolean; volumes?: boolean },
): Promise<void> {
  const deadline = performance.now() + (options.force ? PATIENCE.force : PATIENCE.orderly);
  for (;;) {
    const container = readContainer(id);
    if (container !== undefined && isAlive(container.state) && !options.force)
      throw isInTheWay(id, container);
    if (options.force && mayRun(id, container)) await endNow(id, container?.record.name ?? id.slice(0, 12));
    const lock = lockContainer(id, { wait: false });
    if (lock !== undefined) {
      removeHeld(readContainer(id)?.record ?? { id }, lock, options);
      return;
    }
    if (!existsSync(containerFolder(id))) return; // another command was faster
    if (performance.now() > deadline) throw isInTheWay(id, container);
    const { waitFor } = await import('../sys/poll.js');
    await waitFor(20);
  }
}

/** Whether the container may be running. If its record is damaged, its lock and its `live` file decide. */
function mayRun(id: string, container: Container | undefined): boolean {
  if (container !== undefined) return isAlive(container.state);
  return isLocked(id) && existsSync(join(containerFolder(id), 'live'));
}

async function endNow(id: string, name: string): Promise<void> {
  const { awaitEnd, isRunning, killAll, markStopped } = await import('./signal.js');
  markStopped(id);
  faultPoint('marked as stopped');
  const live = readLive(id);
  if (isRunning(live)) killAll(live);
  thaw(id); // in version 1, a frozen process does not even notice SIGKILL
  faultPoint('killed');
  await awaitEnd(id, name);
}

function isInTheWay(id: string, container: Container | undefined): FosterError {
  const name = container?.record.name ?? id.slice(0, 12);
  const reasons: Partial<Record<Container['state']['status'], string>> = {
    running: 'it is running',
    paused: 'it is paused',
    restarting: 'it is about to be started again',
  };
  const reason = container && reasons[container.state.status];
  return new FosterError(`cannot remove container ${name}: ${reason ?? 'another command works on it'}`, {
    kind: 'conflict',
    advice: reason === undefined ? 'try it again' : `stop it first, or remove it with "foster rm -f ${name}"`,
    exitCode: 1,
  });
}

/** A container's record, or only its id if the record is damaged or was never written. */
export type Remains = ContainerRecord | { id: string };

/** Removes a container whose lock we hold, and releases the lock. @param options as for `removeContainer` */
export function removeHeld(remains: Remains, lock: number, { volumes = false } = {}): void {
  const { id } = remains;
  try {
    if (existsSync(containerFolder(id))) removeFiles(remains, lock);
    if ('spec' in remains && (volumes || remains.rm)) removeAnonymousVolumes(remains);
    removeLock(id);
    faultPoint('lock removed');
  } finally {
    closeSync(lock);
  }
}

/** Removes the files. `forget` is called when nothing is missing for that: without a record, no command shows what is left. */
function removeFiles(remains: Remains, lock: number): void {
  const { id } = remains;
  const folder = containerFolder(id);
  const shownName = 'name' in remains ? remains.name : id.slice(0, 12);
  unmountBelow(folder, shownName);
  removeCgroups(id);
  const forget = () =>
    withStoreLock(() => {
      const name = readContainer(id)?.record.name ?? ('name' in remains ? remains.name : undefined); // it may have been renamed
      rmSync(recordFile(id), { force: true });
      faultPoint('record removed');
      // After an interrupted removal, another container may have the name by now.
      if (name !== undefined && idOfName(name) === id) rmSync(nameLink(name), { force: true });
      faultPoint('name removed');
    });
  // Files of the container's other users belong to ids that only its user namespace may touch.
  const maps = 'spec' in remains ? mapsOf(remains) : defaultIdMaps();
  const isGone = removeFolder(folder, maps, { hold: lock, ready: forget });
  faultPoint('folder removed');
  if (!isGone) {
    throw new FosterError(`cannot remove all files of container ${shownName} in ${folder}`, {
      advice: 'see what they are with "ls -lR" and "lsattr -R" there; "foster prune" removes the rest then',
      exitCode: 1,
    });
  }
  if ('name' in remains) recordEvent('destroy', remains, attributesOf(remains));
}

/**
 * Detaches what `foster mount` has mounted. Any other mount is an error: its files must not be removed with the folder.
 * @throws FosterError
 */
function unmountBelow(folder: string, name: string): void {
  for (const place of mountsBelow(folder)) {
    try {
      if (place !== join(folder, 'root')) throw new Error('foster has not mounted it');
      unmount(place);
    } catch (error) {
      throw new FosterError(`cannot remove container ${name}: something is mounted on ${place}`, {
        advice: `unmount it: umount ${place}`,
        exitCode: 1,
        cause: error,
      });
    }
  }
}

/** Removes the lock file, as the last step. A process that waited for the lock removes the file that it has created. */
export function removeLock(id: string): void {
  try {
    rmSync(lockPath(id), { force: true });
  } catch {
    // "foster prune" tries again
  }
}

function removeFolder(folder: string, maps: IdMaps | undefined, removal: RemoveOptions): boolean {
  const started = () => faultPoint('removal started');
  let isBegun = false;
  const ready = () => {
    isBegun = true;
    removal.ready?.();
  };
  try {
    // most containers have no files of other users: then no user namespace is needed, which takes three processes
    if (maps !== undefined && process.getuid?.() !== 0 && ownsAll(folder))
      return (
        removeTrees([folder], undefined, { ...removal, ready, started }) ||
        removeTrees([folder], maps, { ...removal })
      );
    return removeTrees([folder], maps, { ...removal, ready, started });
  } catch (error) {
    if (isBegun || !isOurs(folder)) throw error;
    return removeTrees([folder], undefined, { ...removal, started });
  }
}

/** Whether all files belong to us, so that no user namespace is needed: we are root in `foster unshare`, or it never ran. */
function isOurs(folder: string): boolean {
  return process.getuid?.() === 0 || !['live', TREE, VOLUMES].some((name) => existsSync(join(folder, name)));
}
