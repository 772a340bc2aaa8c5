import { closeSync, existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOfTree } from '../layers/tree-size.js';
import { defaultIdMaps } from '../spec/choose-id-maps.js';
import { randomId } from '../spec/names.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { mountsBelow } from '../sys/mount.js';
import { volumeData, volumeFolder, volumesFolder } from '../sys/paths.js';
import { removeTreesOfAnyOwner } from '../worker/remove-trees.js';
import { withLeftovers } from './store.js';

/**
 * Removes a volume whose lock we hold, and closes the lock. The volume is renamed first, so that it is gone from then on, even
 * if we are killed.
 * @throws FosterError if something is mounted there, or files cannot be removed
 */
export function removeHeldVolume(name: string, lock: number): void {
  const gone = join(volumesFolder(), `.removed-${randomId().slice(0, 16)}`);
  try {
    refuseMounts(name);
    renameSync(volumeFolder(name), gone);
    faultPoint('volume removed');
  } finally {
    closeSync(lock);
  }
  removeFiles(gone, name);
  faultPoint('files of the volume removed');
}

/** Refuses to remove a volume in which something is mounted, because the mounted files would be removed, too. */
function refuseMounts(name: string): void {
  const [place] = mountsBelow(volumeFolder(name));
  if (place === undefined) return;
  throw new FosterError(`cannot remove volume ${name}: something is mounted on ${place}`, {
    kind: 'conflict',
    advice: `unmount it: umount ${place}`,
    exitCode: 1,
  });
}

/** Removes the files. They may belong to ids that only a user namespace may touch. */
function removeFiles(folder: string, name: string): void {
  if (removeTreesOfAnyOwner([folder], defaultIdMaps())) return;
  throw new FosterError(`cannot remove all files of volume ${name}, which are in ${folder} now`, {
    advice:
      'see what they are with "ls -lR" and "lsattr -R" there; "foster volume prune" removes the rest then',
    exitCode: 1,
  });
}

/** The disk space of a volume's files, in bytes. */
export function volumeSize(name: string): number {
  return sizeOfTree(volumeData(name));
}

/** Removes leftovers of killed commands. */
export function sweepVolumes(): void {
  withLeftovers((folders) => void removeTreesOfAnyOwner(folders, defaultIdMaps()));
}

/** The folder in which new content of a volume is prepared. */
export function stagedData(name: string): string {
  return join(volumeFolder(name), '_new');
}

/** Removes what a killed command has left in it. The caller must hold the volume's lock. */
export function clearStaged(name: string): void {
  const folder = stagedData(name);
  if (existsSync(folder)) removeFiles(folder, name);
}

/**
 * Replaces the content of a volume with the prepared content, in one step. The volume must be empty and unused, and the caller
 * must hold its lock.
 * @throws Error of node:fs: ENOTEMPTY if the volume is not empty
 */
export function adoptStaged(name: string): void {
  renameSync(stagedData(name), volumeData(name));
  faultPoint('volume filled');
}
