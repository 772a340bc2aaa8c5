import { flagError } from './parse/flag.js';

/**
 * How a container gets its own files: `overlay` mounts an empty directory over the layers, `fuse-overlayfs` does the
 * same in a process instead of the kernel, `copy` copies the layers.
 */
export type StorageDriver = (typeof DRIVERS)[number];

/**
 * The driver of a container: `in-place` means the root directory of an OCI bundle, to which it writes directly; `empty` that it
 * has no files, as PID 1 of a pod.
 */
export type RootDriver = StorageDriver | 'in-place' | 'empty';

/** The driver for reading: a root directory that is used in place is a single layer. */
export function layeredDriver(driver: RootDriver = 'overlay'): StorageDriver {
  return driver === 'in-place' || driver === 'empty' ? 'overlay' : driver;
}

/** Names of the drivers, in help and records. */
export const DRIVERS = ['overlay', 'fuse-overlayfs', 'copy'] as const;

/**
 * Parses the name of a driver; `vfs` is another name for `copy`.
 * @param flag where the name was given, for the error
 * @throws FosterError
 */
export function parseStorageDriver(flag: string, value: string): StorageDriver {
  switch (value) {
    case 'overlay':
    case 'overlay2':
      return 'overlay';
    case 'copy':
    case 'vfs':
      return 'copy';
    case 'fuse-overlayfs':
      return 'fuse-overlayfs';
    default:
      throw flagError(flag, value, `expected ${DRIVERS.join(', ').replace(/,(?= \w+$)/, ' or')}`);
  }
}

/** Environment variable with the user's choice. `foster --storage-driver` sets it, also for commands that it starts. */
export const STORAGE_DRIVER_VARIABLE = 'FOSTER_STORAGE_DRIVER';
