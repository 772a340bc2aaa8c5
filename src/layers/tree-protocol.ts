import type { StorageDriver } from '../spec/storage-driver.js';
import { WORKER_FD } from '../worker/protocol.js';

/**
 * What foster and the program that looks at trees of containers (tree-main.ts) say to each other. It reports a Skipped:
 * what may not be read, and is not in the copy.
 */

/** The program's descriptors. */
export const TREE_FD = {
  /** Takes the archive, or the list of changes. */
  output: 1,
  /** The one layer, where its ids are shifted: a detached mount. */
  layer: WORKER_FD.files,
} as const;

export interface TreeOrder {
  /**
   * `export`: all files, as a flat tar archive. `layer`: what the container has changed, as a layer of an image.
   * `changes`: the same as a list, each a letter (A, C, D) and a path, ended by a NUL. `fill`: makes in the
   * folder a copy of what the layers have in each of the `volumes`; with the driver `copy` also `tree`, a copy of the
   * layers, and when that is finished, `copied`, whose ctime says so. `probe`: tries, in a folder
   * with `one`, `two`, `upper`, `work` and `root`, whether an overlay can do all that a container needs, one of
   * fuse-overlayfs where `program` is given.
   */
  action: 'export' | 'layer' | 'changes' | 'fill' | 'probe';
  /** Whether the container's files are an overlay or a copy. */
  driver: StorageDriver;
  /** Absolute path of fuse-overlayfs, where that is the driver and files are to be seen as the container sees them. */
  program?: string;
  /** Read-only layers, the uppermost first. */
  layers: readonly string[];
  /** The one layer is a directory of the host's, whose files get other ids in the container: TREE_FD.layer. */
  isShifted?: boolean;
  /** The container's folder, with its `upper` or `tree`, and `root` to mount on. */
  folder: string;
  /** Directories in the container, by the names of their copies in `volumes`. */
  volumes?: Readonly<Record<string, string>>;
  /** Paths in the container that something of foster's was mounted on: if empty, they are not the container's. */
  mountPoints: readonly string[];
}

/** In the container's folder, with the driver `copy`. */
export const TREE = 'tree';
export const COPIED = 'copied';
/** In the container's folder: its anonymous volumes. */
export const VOLUMES = 'volumes';
