import type { StorageDriver } from '../../spec/storage-driver.js';
import { WORKER_FD } from '../../worker/protocol.js';

/** The protocol between `foster cp` and its helper (copy-main.ts). */

/** The helper's descriptors. */
export const COPY_FD = {
  /** The archive to unpack into the container. */
  input: 0,
  /** The archive of the container's files. */
  output: 1,
  /** The root directory of a running container. */
  root: WORKER_FD.files,
  /** The first of the mounts with shifted ids. */
  shifted: WORKER_FD.files + 2,
} as const;

export interface CopyOrder {
  direction: 'in' | 'out';
  /** Name of the container, for errors. */
  name: string;
  /** Path in the container. */
  path: string;
  /** Whether the input is an arbitrary archive (`-`), to be unpacked in the directory `path`. */
  isStream: boolean;
  followLink: boolean;
  /** Whether files get the owners in the archive; otherwise they belong to root. */
  keepOwners: boolean;
  /** Whether a directory can replace another file, and the other way round. */
  overwrite: boolean;
  /** undefined if the container is running, and COPY_FD.root is its root. */
  overlay: CopyOverlay | undefined;
}

/** The parts of a stopped container's root: absolute paths on the host. */
export interface CopyOverlay {
  /** `copy`: its folder has `tree`, and the layers are not needed. */
  driver: StorageDriver;
  /** Absolute path of fuse-overlayfs, if that is the driver. */
  program?: string;
  /** Read-only layers, topmost first. */
  layers: string[];
  /** Descriptor of a detached mount, which is the only layer. */
  shifted?: number | undefined;
  /** The container's folder. */
  folder: string;
  /** Whether everything except volumes is read-only. */
  isReadOnly: boolean;
  volumes: Volume[];
  /** Where the container mounts file systems of its own, such as a tmpfs, at each start. */
  volatile: string[];
}

/** A mount from the host, which should also be visible in a stopped container. */
export interface Volume {
  source: string;
  /** The source as a path in a directory that other containers change. */
  beneath?: { top: string; path: string } | undefined;
  destination: string;
  isReadOnly: boolean;
  /** Descriptor of a detached mount that replaces `source`. */
  shifted?: number | undefined;
}

export interface CopyResult {
  /** Number of devices and sockets, which are not copied. */
  skipped: number;
  /** Number of files whose owner is not mapped in the container, so that they belong to root. */
  lostOwners: number;
}
