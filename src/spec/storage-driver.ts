import { flagError } from './parse/flag.js';

/**
 * How a container's own files come about: `overlay` lays an empty directory over the layers, `fuse-overlayfs` does the
 * same in a process instead of the kernel, `copy` copies the layers.
 */
export type StorageDriver = (typeof DRIVERS)[number];

/** Of a container: `in-place` is the root directory of an OCI bundle, which it uses as it is, and writes to. */
export type RootDriver = StorageDriver | 'in-place';

/** For who only reads: a root directory that is used in place is one layer with nothing over it. */
export function layeredDriver(driver: RootDriver = 'overlay'): StorageDriver {
  return driver === 'in-place' ? 'overlay' : driver;
}

/** By their names in help and records. */
export const DRIVERS = ['overlay', 'fuse-overlayfs', 'copy'] as const;

/**
 * Reads the name of a driver; `vfs` is what others call a copy.
 * @param flag for the error: where the name was given
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

/** In the environment: a person's choice. `foster --storage-driver` puts it there, for the commands that it starts too. */
export const DRIVER_VARIABLE = 'FOSTER_STORAGE_DRIVER';
