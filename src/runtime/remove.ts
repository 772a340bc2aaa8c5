import { closeSync, existsSync, lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { containerFolder, dataFolder, liveFolder, nameLink, runtimeFolder } from '../paths.js';
import { isId } from '../spec/names.js';
import type { IdMaps } from '../sys/id-maps.js';
import { openPidfd, signalPidfd, waitReadable } from '../sys/libc.js';
import { processStart } from '../sys/process.js';
import { removeTrees } from '../sys/user-namespace.js';
import {
  type Container,
  type ContainerRecord,
  listContainers,
  lockContainer,
  readContainer,
  readLive,
  storedIds,
} from './store.js';

const SIGKILL = 9;

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
 * Removes a container. With `force` one that runs is killed first.
 * @throws FosterError when it runs, or when its files cannot be removed
 */
export function removeContainer({ record }: Container, options: { force: boolean }): void {
  const lock =
    lockContainer(record.id, { wait: false }) ?? (options.force ? killAndLock(record.id) : undefined);
  if (lock === undefined) {
    throw new FosterError(`cannot remove container ${record.name}: it is running`, {
      advice: `stop it first, or remove it with "foster rm -f ${record.name}"`,
      exitCode: 1,
    });
  }
  removeHeld(record, lock);
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
  const paths = pathsOf(record);
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
}

function removeAll(paths: string[]): boolean {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
  return !paths.some((path) => existsSync(path));
}

/** Kills PID 1, and so all in its PID namespace, and waits until the monitor has let the lock go. */
function killAndLock(id: string): number | undefined {
  const live = readLive(id);
  if (live !== undefined && processStart(live.pid) === live.pidStart) {
    const pidfd = openPidfd(live.pid);
    try {
      // between the look at its start time and the opening another process cannot have got its pid unseen
      if (processStart(live.pid) === live.pidStart) signalPidfd(pidfd, SIGKILL);
      waitReadable(pidfd, 10_000);
    } finally {
      closeSync(pidfd);
    }
  }
  return lockContainer(id, { wait: true });
}

/** Removes all containers that have ended, and what crashes left. Returns the ids of the containers. */
export function pruneContainers(): { removed: string[] } {
  const removed: string[] = [];
  sweep();
  for (const container of listContainers()) {
    if (container.state.status === 'running') continue;
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
    if (container !== undefined && (!container.record.rm || container.state.status === 'running')) continue;
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
  for (const name of entries(join(dataFolder(), 'names'))) {
    const id = idIn(nameLink(name));
    if (id !== undefined && !existsSync(containerFolder(id)) && !existsSync(liveFolder(id)))
      rmSync(nameLink(name), { force: true });
  }
  for (const id of entries(runtimeFolder()).filter(isId)) {
    if (existsSync(containerFolder(id))) continue;
    const lock = lockContainer(id, { wait: false });
    if (lock === undefined) continue;
    rmSync(liveFolder(id), { recursive: true, force: true });
    closeSync(lock);
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
