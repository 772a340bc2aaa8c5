import type { StorageDriver } from '../../spec/storage-driver.js';
import { WORKER_FD } from '../../worker/protocol.js';

/** The protocol between foster and the helper that makes layers (build-layer-main.ts). */

/** The helper's descriptors. */
export const LAYER_FD = {
  /** Receives the compressed layer. */
  output: WORKER_FD.files,
  /** Delivers the inputs of its order, one after the other, in the format of inputs.ts. */
  inputs: WORKER_FD.files + 1,
} as const;

export interface Owner {
  uid: number;
  gid: number;
}

/** What to do. Paths on the host are absolute. */
export interface LayerOrder {
  /** `copy`: the folder has a copy of the layers, to which the changes are made. */
  driver: StorageDriver;
  /** Contains `upper`, which becomes the layer, and the empty directories `work`, `root` and `spare`. */
  folder: string;
  /** The layers below, topmost first. */
  layers: string[];
  /** What to write, in this order; nothing if a container has written to the layer. */
  changes: Change[];
  /** The container's mount points: removed from the layer if they were created for it. */
  mountPoints: string[];
  /** Time of all files in the layer, in seconds since 1970. */
  timestamp: number | undefined;
  /** Whether to pack the layer; otherwise only `upper` is filled. */
  isPacked: boolean;
}

export type Change =
  /** Creates a directory and its missing parents. */
  | { kind: 'directory'; path: string }
  | ({
      kind: 'copy';
      /** `input`: the next input, an archive made by sources.ts. Otherwise files of a tree made of layers. */
      from: 'input' | TreeSources;
      /** Owner of the copies; by default that of the sources. */
      owner: Owner | undefined;
      /** In the format of file-mode.ts. */
      mode: string | undefined;
    } & Destination)
  /** Unpacks the next input, which is any tar archive. */
  | { kind: 'unpack'; isCompressed: boolean; path: string; owner: Owner | undefined };

/** Files of a tree made of layers. */
export interface TreeSources {
  layers: string[];
  /** Paths or patterns. */
  sources: string[];
  /** Patterns of files to skip, as in an ignore file, relative to each source. */
  excludes: string[];
  /** Whether sources keep their parent directories. */
  keepsParents: boolean;
}

export interface Destination {
  /** Absolute path in the container. */
  path: string;
  /** Whether it ends with a slash, or there are several sources. */
  isDirectory: boolean;
}

export interface LayerResult {
  /** Digests of the uncompressed and the compressed layer. */
  diffID: string;
  digest: string;
  /** Compressed size in bytes. */
  size: number;
  /** Uncompressed size in bytes. */
  plainSize: number;
  /** Whether the layer has no files. */
  isEmpty: boolean;
  /** Files whose owner is not mapped, so that they belong to root. */
  lostOwners: number;
}
