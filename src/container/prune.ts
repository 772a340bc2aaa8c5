import { closeSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOfTree } from '../layers/tree-size.js';
import { isId } from '../spec/names.js';
import { cacheFolder, containerFolder, dataFolder, nameLink } from '../sys/paths.js';
import { withStoreLock } from './change.js';
import { isStaleName } from './create.js';
import { eventsFile } from './events/recorder.js';
import { removeHeld } from './remove.js';
import { type Container, isAlive, lockContainer, readContainer, storedIds } from './store.js';

export interface Pruned {
  /** Ids of the containers that are gone. */
  removed: string[];
  /** Why others are not. */
  failures: unknown[];
  /** What they took on the disk, in bytes. */
  size: number;
}

/**
 * Removes all containers that have ended, and what was interrupted: containers half made or half removed, names and
 * locks without a container, temporary files. Whatever another command holds the lock of is left alone.
 * @param isWanted which of those that have ended
 */
export async function pruneContainers(
  isWanted: (container: Container) => boolean = () => true,
): Promise<Pruned> {
  const result: Pruned = { removed: [], failures: [], size: 0 };
  for (const id of storedIds()) {
    try {
      const size = pruneContainer(id, isWanted);
      if (size === undefined) continue;
      result.removed.push(id);
      result.size += size;
    } catch (error) {
      result.failures.push(error);
    }
  }
  sweepLocks();
  withStoreLock(sweepNames);
  sweepTemporaryFiles();
  const { removeLeftovers } = await import('../image/rootfs/cache.js');
  await removeLeftovers();
  return result;
}

/** The size of a container that has been removed, in bytes; undefined if nothing was removed. */
function pruneContainer(id: string, isWanted: (container: Container) => boolean): number | undefined {
  if (isLeftAlone(id, isWanted)) return undefined;
  const lock = lockContainer(id, { wait: false });
  if (lock === undefined) return undefined; // somebody is about to start or to remove it, or has not finished making it
  const container = readContainer(id);
  const size = container === undefined ? undefined : sizeOfTree(containerFolder(id));
  removeHeld(container?.record ?? { id }, lock);
  return size;
}

/** The lock decides; this only spares it being taken, which others might notice. */
function isLeftAlone(id: string, isWanted: (container: Container) => boolean): boolean {
  const container = readContainer(id);
  return container !== undefined && (isAlive(container.state) || !isWanted(container));
}

/** Locks whose container is gone, or never came into being. */
function sweepLocks(): void {
  for (const id of entries(join(dataFolder(), 'locks')).filter(isId)) {
    if (existsSync(containerFolder(id))) continue;
    // taking the lock of a container that is gone removes it
    const lock = lockContainer(id, { wait: false });
    if (lock !== undefined) closeSync(lock);
  }
}

/** Names without a container, and those that a container had before it was renamed. */
function sweepNames(): void {
  for (const name of entries(join(dataFolder(), 'names'))) {
    if (isStaleName(name)) rmSync(nameLink(name), { recursive: true, force: true });
  }
}

function sweepTemporaryFiles(): void {
  rmSync(`${eventsFile()}.1.new`, { force: true });
  const code = codeFolder();
  for (const name of entries(code)) {
    const pid = /\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(code, name), { force: true });
  }
}

/** Where src/cli/bootstrap.ts keeps compiled code; nowhere, without a home directory. */
function codeFolder(): string {
  try {
    return join(cacheFolder(), 'code');
  } catch {
    return '';
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
