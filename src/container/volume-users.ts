import { closeSync } from 'node:fs';
import { FosterError } from '../sys/errors.js';
import type { VolumeRecord } from '../volume/record.js';
import { removeHeldVolume, sweepVolumes, volumeSize } from '../volume/remove.js';
import { isSolo, listVolumes, readVolume, tryLockVolume } from '../volume/store.js';
import { recordVolumeEvent } from './events/recorder.js';
import type { ContainerRecord } from './record.js';
import { listContainers } from './store.js';

/** The containers that use each volume, running or not. */
export function usedVolumes(): Map<string, ContainerRecord[]> {
  const used = new Map<string, ContainerRecord[]>();
  for (const { record } of listContainers())
    for (const name of new Set((record.volumes ?? []).map((use) => use.name)))
      used.set(name, [...(used.get(name) ?? []), record]);
  return used;
}

/** The containers that use a volume, running or not. */
export function usersOfVolume(name: string): ContainerRecord[] {
  return usedVolumes().get(name) ?? [];
}

/**
 * Removes a volume whose lock we hold, and closes the lock.
 * @throws FosterError of the kind `conflict` if a container uses it
 */
export function removeUnused(name: string, lock: number): void {
  const users = usersOfVolume(name).map((record) => record.name);
  if (users.length > 0) {
    closeSync(lock);
    const [whose, them] = users.length === 1 ? ['container', 'it'] : ['containers', 'them'];
    throw new FosterError(`cannot remove volume ${name}: it is in use by ${whose} ${users.join(', ')}`, {
      kind: 'conflict',
      advice: `remove ${them} first: foster rm ${users.join(' ')}`,
      exitCode: 1,
    });
  }
  removeHeldVolume(name, lock);
  recordVolumeEvent('destroy', name);
}

/**
 * Removes the anonymous volumes of a removed container, except those that another container uses or is about to use.
 * @throws FosterError if files cannot be removed
 */
export function removeAnonymousVolumes({ volumes = [] }: Pick<ContainerRecord, 'volumes'>): void {
  for (const name of new Set(volumes.map((use) => use.name))) {
    if (readVolume(name)?.isAnonymous !== true) continue;
    const lock = tryLockVolume(name);
    if (lock === undefined || lock === 'busy') continue;
    if (!isSolo(name) && usersOfVolume(name).length > 0) closeSync(lock);
    else {
      removeHeldVolume(name, lock);
      recordVolumeEvent('destroy', name);
    }
  }
}

/** Removes all unused volumes that are wanted, and the leftovers of killed commands. */
export function pruneVolumes(isWanted: (volume: VolumeRecord) => boolean): {
  removed: string[];
  failures: unknown[];
  size: number;
} {
  const result = { removed: [] as string[], failures: [] as unknown[], size: 0 };
  for (const volume of listVolumes().filter(isWanted)) {
    const { name } = volume;
    const lock = tryLockVolume(name);
    if (lock === undefined || lock === 'busy') continue; // another command is about to use it
    if (usersOfVolume(name).length > 0) {
      closeSync(lock);
      continue;
    }
    try {
      const size = volumeSize(name);
      removeUnused(name, lock);
      result.removed.push(name);
      result.size += size;
    } catch (error) {
      result.failures.push(error);
    }
  }
  sweepVolumes();
  return result;
}
