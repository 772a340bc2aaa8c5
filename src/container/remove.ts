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
 * The paths that a container which is removed at its end leaves, in the order in which they are removed: first what makes it
 * one, so that no command sees half of it, and last its lock, so that none takes it for free before. Of its anonymous
 * volumes the marks say that nobody else uses them: src/init/janitor.c.
 */
export function pathsOf({ id, name, volumes = [] }: ContainerRecord): string[] {
  const own = volumes.filter(({ isNew }) => isNew).map((volume) => soloMark(volume.name));
  return [recordFile(id), nameLink(name), containerFolder(id), ...own, lockPath(id)];
}

function recordFile(id: string): string {
  return join(containerFolder(id), 'config.json');
}

/** The id maps of the container's user namespace; undefined if it has none of its own. */
export function mapsOf(record: Pick<ContainerRecord, 'spec' | 'usesMapHelpers'>): IdMaps | undefined {
  const { uidMappings, gidMappings } = record.spec.linux;
  if (uidMappings.length === 0) return undefined;
  return { uid: uidMappings, gid: gidMappings, helpers: record.usesMapHelpers };
}

/** How long another command may be at work on a container, in milliseconds. */
const PATIENCE = { orderly: 2000, force: 15_000 };

/**
 * Removes a container, also one whose record is damaged. With `force` one that runs, is paused or waits to be started
 * again is killed first. If another command has just removed it, that is no failure.
 * @param options.volumes whether its anonymous volumes are removed, too, which those of one with --rm always are
 * @throws FosterError when it is alive, or when its files cannot be removed
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
    if (!existsSync(containerFolder(id))) return; // somebody else was faster
    if (performance.now() > deadline) throw isInTheWay(id, container);
    const { waitFor } = await import('../sys/poll.js');
    await waitFor(20);
  }
}

/** Of one whose record is damaged, its lock and whether it was ever started tell. */
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
  thaw(id); // in version 1, even SIGKILL waits for that
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

/** Removes a container whose lock we hold, and lets the lock go. @param options as for `removeContainer` */
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

/** All that may be missing is looked for before the record goes: else there would be a half that no command shows. */
function removeFiles(remains: Remains, lock: number): void {
  const { id } = remains;
  const folder = containerFolder(id);
  const shownName = 'name' in remains ? remains.name : id.slice(0, 12);
  unmountBelow(folder, shownName);
  removeCgroups(id);
  const forget = () =>
    withStoreLock(() => {
      const name = readContainer(id)?.record.name ?? ('name' in remains ? remains.name : undefined); // it may be new
      rmSync(recordFile(id), { force: true });
      faultPoint('record removed');
      // Another container may have the name by now, if an earlier removal was cut short.
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
 * Detaches what `foster mount` has mounted, and nothing else, since that would be removed with all that is in it.
 * @throws FosterError
 */
function unmountBelow(folder: string, name: string): void {
  for (const place of mountsBelow(folder)) {
    try {
      if (place !== join(folder, 'root')) throw new Error('it is not of foster');
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

/** Removes the lock file, which goes last. A process that waited for the lock removes the file that it has created. */
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
    return removeTrees([folder], maps, { ...removal, ready, started });
  } catch (error) {
    if (isBegun || !isOurs(folder)) throw error;
    return removeTrees([folder], undefined, { ...removal, started });
  }
}

/** Where no user namespace can be made: in `foster unshare` we are root, and of what was never filled or run all is ours. */
function isOurs(folder: string): boolean {
  return process.getuid?.() === 0 || !['live', TREE, VOLUMES].some((name) => existsSync(join(folder, name)));
}
