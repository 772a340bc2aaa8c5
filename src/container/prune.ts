import { closeSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOfTree } from '../layers/tree-size.js';
import { isId } from '../spec/names.js';
import { cacheFolder, containerFolder, dataFolder, nameLink, podFolder } from '../sys/paths.js';
import { withStoreLock } from './change.js';
import { isStaleName } from './create.js';
import { eventsFile } from './events/recorder.js';
import { removeHeld } from './remove.js';
import { type Container, isAlive, lockContainer, readContainer, storedIds } from './store.js';

export interface Pruned {
  /** Ids of the containers that are gone. */
  removed: string[];
  /** Why other containers could not be removed. */
  failures: unknown[];
  /** Bytes of disk space freed. */
  size: number;
}

/**
 * Removes all containers that have ended, and the leftovers of interrupted commands: containers half made or half removed,
 * names and locks without a container, temporary files. Containers that another command has locked are left alone.
 * @param isWanted which of the ended containers to remove
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
  if (lock === undefined) return undefined; // another command is creating, starting or removing it
  const container = readContainer(id);
  const size = container === undefined ? undefined : sizeOfTree(containerFolder(id));
  removeHeld(container?.record ?? { id }, lock);
  return size;
}

/** A first check, which avoids taking the lock, because other commands could notice that. The lock decides. */
function isLeftAlone(id: string, isWanted: (container: Container) => boolean): boolean {
  const container = readContainer(id);
  if (container === undefined) return false;
  return isAlive(container.state) || isOfPod(container) || !isWanted(container);
}

/** Whether it holds the namespaces of a pod, with which it is removed. */
function isOfPod({ record: { isInfra, pod } }: Container): boolean {
  return isInfra === true && pod !== undefined && existsSync(join(podFolder(pod), 'config.json'));
}

/** Removes locks without a container. */
function sweepLocks(): void {
  for (const id of entries(join(dataFolder(), 'locks')).filter(isId)) {
    if (existsSync(containerFolder(id))) continue;
    // taking the lock of a container that is gone removes it
    const lock = lockContainer(id, { wait: false });
    if (lock !== undefined) closeSync(lock);
  }
}

/** Removes names without a container, and the old names of renamed containers. */
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

/** The folder where src/cli/bootstrap.ts keeps compiled code; '' if there is no home directory. */
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
