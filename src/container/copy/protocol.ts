import type { StorageDriver } from '../../spec/storage-driver.js';
import { WORKER_FD } from '../../worker/protocol.js';

/** What `foster cp` and its helper (copy-main.ts) say to each other. */

/** The helper's descriptors. */
export const COPY_FD = {
  /** The archive that goes into the container. */
  input: 0,
  /** The archive that comes out of it. */
  output: 1,
  /** The root directory of a container that runs. */
  root: WORKER_FD.files,
  /** The first of the mounts whose ids are shifted. */
  shifted: WORKER_FD.files + 2,
} as const;

export interface CopyOrder {
  direction: 'in' | 'out';
  /** In the container. */
  path: string;
  /** `-`: what comes in is any archive, to be unpacked in the directory `path`. */
  isStream: boolean;
  followLink: boolean;
  /** Files that come in get the ids that the archive says, else they belong to root. */
  keepOwners: boolean;
  /** undefined: the container runs, and COPY_FD.root is its root. */
  overlay: CopyOverlay | undefined;
}

/** What the root of a container that does not run is made of: absolute paths of the host. */
export interface CopyOverlay {
  /** `copy`: its folder has `tree`, and the layers do not matter. */
  driver: StorageDriver;
  /** Absolute path of fuse-overlayfs, where that is the driver. */
  program?: string;
  /** Read-only layers, the uppermost first. */
  layers: string[];
  /** Descriptor of a detached mount that is the one layer. */
  shifted?: number | undefined;
  /** The container's folder. */
  folder: string;
  /** Except for the volumes. */
  isReadOnly: boolean;
  volumes: Volume[];
}

/** What is mounted from the host, to be seen in a container that does not run too. */
export interface Volume {
  source: string;
  destination: string;
  isReadOnly: boolean;
  /** Descriptor of a detached mount that takes the place of `source`. */
  shifted?: number | undefined;
}

export interface CopyResult {
  /** Devices and sockets, which are not copied. */
  skipped: number;
  /** Files whose owner is not mapped in the container, and belong to root instead. */
  lostOwners: number;
}
