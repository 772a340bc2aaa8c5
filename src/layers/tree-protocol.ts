import type { StorageDriver } from '../spec/storage-driver.js';
import { WORKER_FD } from '../worker/protocol.js';
import type { Skipped } from './copy-tree.js';

/**
 * The protocol between foster and the helper that reads containers' files (tree-main.ts). The helper reports files that are
 * not readable, and so missing in the copy, and what directories it has copied: Filled.
 */

/** The helper's descriptors. */
export const TREE_FD = {
  /** Receives the archive or the list of changes. */
  output: 1,
  /** The only layer, if its ids are shifted: a detached mount. */
  layer: WORKER_FD.files,
  /** Detached mounts of `shiftedVolumes`, from this number on. */
  volumes: WORKER_FD.files + 1,
} as const;

export interface TreeOrder {
  /**
   * `export`: all files as a tar archive. `layer`: the container's changes as a layer of an image. `changes`: the same
   * as a list; each is a letter (A, C, D) and a path, terminated by NUL. `fill`: copies the layers' content of
   * directories to the folders of `volumes`; with the driver `copy` also creates `tree`, a copy of the layers, and then
   * `copied`, whose ctime is the time of completion. `chown`: gives all files in the folders of `volumes` to `owner`.
   * `share`: gives them to the group of `owner`, which may read and write them.
   * `probe`: tests, in a folder with `one`, `two`, `upper`, `work` and `root`, whether an overlay can do everything that a
   * container needs; with `program`, whether fuse-overlayfs can.
   */
  action: 'export' | 'layer' | 'changes' | 'fill' | 'chown' | 'share' | 'probe';
  /** The storage driver of the container. */
  driver: StorageDriver;
  /** Absolute path of fuse-overlayfs, if that is the driver and a merged view is needed. */
  program?: string;
  /** Read-only layers, topmost first. */
  layers: readonly string[];
  /** Whether the only layer is a directory of the host whose ids are shifted: TREE_FD.layer. */
  isShifted?: boolean;
  /** The container's folder, with `upper` or `tree`, and the mount point `root`. */
  folder: string;
  /** For each folder, the directory in the container that is copied to it; '' to set only the owner. */
  volumes?: Readonly<Record<string, string>>;
  /** Those of `volumes` whose ids are shifted. */
  shiftedVolumes?: readonly string[];
  /** Ids of the container. */
  owner?: { uid: number; gid: number };
  /** Leave folders as they are that the group has already. */
  ifOther?: boolean;
  /** Whether an exported archive has a member for the top itself, as for a volume. */
  hasTop?: boolean;
  /** Mount points in the container: if empty, they are not the container's own files. */
  mountPoints: readonly string[];
}

/** A directory that the helper has copied to a volume. */
export interface CopiedDirectory {
  /** Ids of the container. */
  uid: number;
  gid: number;
  mode: number;
  /** Milliseconds. */
  atime: number;
  mtime: number;
  /** Whether it has neither files nor extended attributes. */
  isBare: boolean;
}

/** What was skipped, and for each of the order's `volumes` what was copied; null if there is no such directory. */
export interface Filled extends Skipped {
  volumes?: (CopiedDirectory | null)[];
}

/** Names in the container's folder, with the driver `copy`. */
export const TREE = 'tree';
export const COPIED = 'copied';
/** The part of a container's folder in which older versions of foster had its anonymous volumes. */
export const VOLUMES = 'volumes';
