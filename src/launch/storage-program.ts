import { accessSync, constants } from 'node:fs';
import { type StorageOptions, type StorageProgram, storageStep } from '../plan/storage-program.js';
import { FosterError } from '../sys/errors.js';
import { installCommand } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';
import { type HostWork, runHostSteps } from './host-steps.js';

/** The path of fuse-overlayfs. @throws FosterError if it is not installed */
export function findFuseOverlayfs(): string {
  const path = findProgram('fuse-overlayfs');
  if (path !== undefined) return path;
  throw new FosterError('cannot find fuse-overlayfs: it is not installed', {
    advice: installCommand('fuse-overlayfs'),
  });
}

/** Whether fuse-overlayfs is installed and /dev/fuse can be used. */
export function hasFuseOverlayfs(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return findProgram('fuse-overlayfs') !== undefined;
  } catch {
    return false;
  }
}

/**
 * Starts fuse-overlayfs in our own namespaces. When this returns, `root` is mounted, and its users wait for the program.
 * @returns pass it to `undoHostSteps` to end the program
 * @throws FosterError; nothing is mounted then
 */
export function mountStorage(storage: StorageProgram, wishes: Omit<StorageOptions, 'joins'> = {}): HostWork {
  return runHostSteps([storageStep(storage, wishes)]);
}
