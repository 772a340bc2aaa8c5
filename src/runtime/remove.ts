import { closeSync, existsSync, lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { containerFolder, dataFolder, liveFolder, nameLink, runtimeFolder } from '../paths.js';
import { isId } from '../spec/names.js';
import type { IdMaps } from '../sys/id-maps.js';
import { removeTrees } from '../sys/user-namespace.js';
import { withStoreLock } from './change.js';
import { attributesOf, recordEvent } from './events.js';
import {
  type Container,
  type ContainerRecord,
  idOfName,
  isAlive,
  listContainers,
  lockContainer,
  readContainer,
  readLive,
  storedIds,
} from './store.js';

/** The paths that a container leaves, in the order in which they are removed. */
export function pathsOf(record: ContainerRecord): string[] {
  return [nameLink(record.name), liveFolder(record.id), containerFolder(record.id)];
}

/** The id maps of the container's user namespace; undefined where it has none of its own. */
export function mapsOf(record: ContainerRecord): IdMaps | undefined {
  const { uidMappings, gidMappings } = record.spec.linux;
  if (uidMappings.length === 0) return undefined;
  return { uid: uidMappings, gid: gidMappings, helpers: record.usesMapHelpers };
}

/**
 * Removes a container. With `force` one that runs, is paused or waits to be started again is killed first.
 * @throws FosterError when it is alive, or when its files cannot be removed
 */
export async function removeContainer(container: Container, options: { force: boolean }): Promise<void> {
  const { id, name } = container.record;
  if (isAlive(container.state)) {
    if (!options.force) throw isInTheWay(container);
    const { awaitEnd, isRunning, killAll, markStopped } = await import('./signal.js');
    markStopped(id);
    const live = readLive(id);
    if (isRunning(live)) killAll(live);
    await awaitEnd(id, name);
  }
  const lock = await lockSoon(id);
  if (lock === undefined) throw isInTheWay(readContainer(id) ?? container);
  removeHeld(readContainer(id)?.record ?? container.record, lock);
}

/** Another command may be at work on it for a moment. Undefined when that takes longer. */
async function lockSoon(id: string): Promise<number | undefined> {
  const ATTEMPTS = 100;
  for (let attempt = 0; ; attempt++) {
    const lock = lockContainer(id, { wait: false });
    if (lock !== undefined || attempt === ATTEMPTS) return lock;
    const { pause } = await import('../sys/poll.js');
    await pause(20);
  }
}

function isInTheWay({ record: { name }, state }: Container): FosterError {
  const reasons = {
    running: 'it is running',
    paused: 'it is paused',
    restarting: 'it is about to be started again',
  };
  const reason = isAlive(state)
    ? reasons[state.status as keyof typeof reasons]
    : 'another command works on it';
  return new FosterError(`cannot remove container ${name}: ${reason}`, {
    advice: isAlive(state) ? `stop it first, or remove it with "foster rm -f ${name}"` : 'try it again',
    exitCode: 1,
  });
}

/** Removes a container whose lock we hold, and lets the lock go. */
export function removeHeld(record: ContainerRecord, lock: number): void {
  try {
    removeFiles(record);
  } finally {
    closeSync(lock);
  }
}

function removeFiles(record: ContainerRecord): void {
  // Another container may have the name by now, if an earlier removal was cut short.
  const hasName = idOfName(record.name) === record.id;
  const paths = pathsOf(record).slice(hasName ? 0 : 1);
  const maps = mapsOf(record);
  // Files of the container's other users belong to ids that only its user namespace may touch.
  const isGone = maps === undefined ? removeAll(paths) : removeTrees(paths, maps);
  if (!isGone) {
    throw new FosterError(
      `cannot remove all files of container ${record.name} in ${containerFolder(record.id)}`,
      {
        advice: 'see who uses them: "fuser -vm" and "ls -l" there tell',
        exitCode: 1,
      },
    );
  }
  recordEvent('destroy', record, attributesOf(record));
}

function removeAll(paths: string[]): boolean {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
  return !paths.some((path) => existsSync(path));
}

/** Removes all containers that have ended, and what crashes left. Returns the ids of the containers. */
export function pruneContainers(): { removed: string[] } {
  const removed: string[] = [];
  sweep();
  for (const container of listContainers()) {
    if (isAlive(container.state)) continue;
    const lock = lockContainer(container.record.id, { wait: false });
    if (lock === undefined) continue; // somebody is about to start it
    removeHeld(container.record, lock);
    removed.push(container.record.id);
  }
  return { removed };
}

/**
 * Finishes what was interrupted: containers that were to be removed when they ended, folders without a record, names
 * and locks without a container.
 */
export function sweep(): void {
  for (const id of storedIds()) {
    const container = readContainer(id);
    if (container !== undefined && (!container.record.rm || isAlive(container.state))) continue;
    const lock = lockContainer(id, { wait: false });
    if (lock === undefined) continue;
    try {
      if (container === undefined) removeAll([liveFolder(id), containerFolder(id)]);
      else removeFiles(container.record);
    } catch {
      // what cannot be removed now, "foster prune" tells about
    } finally {
      closeSync(lock);
    }
  }
  withStoreLock(sweepNames);
  for (const id of entries(runtimeFolder()).filter(isId)) {
    if (existsSync(containerFolder(id))) continue;
    const lock = lockContainer(id, { wait: false });
    if (lock === undefined) continue;
    rmSync(liveFolder(id), { recursive: true, force: true });
    closeSync(lock);
  }
}

/** Names without a container, and those that a container had before it was renamed. */
function sweepNames(): void {
  for (const name of entries(join(dataFolder(), 'names'))) {
    const id = idIn(nameLink(name));
    if (id === undefined) continue;
    const container = readContainer(id);
    const isStale =
      container === undefined
        ? !existsSync(containerFolder(id)) && !existsSync(liveFolder(id))
        : container.record.name !== name && !(container.record.rm && isAlive(container.state));
    if (isStale) rmSync(nameLink(name), { force: true });
  }
}

function idIn(link: string): string | undefined {
  try {
    return lstatSync(link).isSymbolicLink() ? readlinkSync(link).split('/').at(-1) : undefined;
  } catch {
    return undefined;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
