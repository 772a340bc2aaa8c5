import type { StorageDriver } from '../../spec/storage-driver.js';

/** Which storage driver new containers get, and why. */
export interface StorageChoice {
  driver: StorageDriver;
  reason: string;
  /** Set if nothing could be tried, because of the reason. */
  isUntested?: true;
}
