import type { StorageDriver } from '../../spec/storage-driver.js';
import { WORKER_FD } from '../../worker/protocol.js';

/** What foster and the program that makes layers (build-layer-main.ts) say to each other. */

/** Its descriptors. */
export const LAYER_FD = {
  /** Takes the compressed layer. */
  output: WORKER_FD.files,
  /** Gives the inputs of its order, one after the other, as inputs.ts writes them. */
  inputs: WORKER_FD.files + 1,
} as const;

export interface Owner {
  uid: number;
  gid: number;
}

/** What is to be done. Paths of the host are absolute. */
export interface LayerOrder {
  /** `copy`: the folder has a copy of the layers, in which the changes are, or are to be, made. */
  driver: StorageDriver;
  /** Has `upper`, which becomes the layer, and `work`, `root` and `spare`, empty. */
  folder: string;
  /** The layers below, the uppermost first. */
  layers: string[];
  /** What is written over them, in this order; nothing where a container has done so. */
  changes: Change[];
  /** Paths on which something was mounted for a container: where they were made for that, they go. */
  mountPoints: string[];
  /** All times in the layer, in seconds since 1970. */
  timestamp: number | undefined;
  /** False: only `upper` is wanted. */
  isPacked: boolean;
}

export type Change =
  /** A directory is made, and those above it, where there are none. */
  | { kind: 'directory'; path: string }
  | ({
      kind: 'copy';
      /** `input`: the next one, an archive of sources.ts's. Else the files that patterns stand for in a tree made of layers. */
      from: 'input' | TreeSources;
      /** Whatever is copied is of this user; where it comes from otherwise. */
      owner: Owner | undefined;
      /** As file-mode.ts has it. */
      mode: string | undefined;
    } & Destination)
  /** The next input, any tar archive. */
  | { kind: 'unpack'; isCompressed: boolean; path: string; owner: Owner | undefined };

/** Files of a tree that is made of layers. */
export interface TreeSources {
  layers: string[];
  /** Paths or patterns. */
  sources: string[];
  /** Patterns of what is left out, as in an ignore file, relative to each source. */
  excludes: string[];
  /** Sources keep the directories that they are in. */
  keepsParents: boolean;
}

export interface Destination {
  /** Absolute path in the container. */
  path: string;
  /** `PATH/`, or several sources. */
  isDirectory: boolean;
}

export interface LayerResult {
  /** Of the layer, uncompressed and compressed. */
  diffID: string;
  digest: string;
  /** Bytes, compressed. */
  size: number;
  /** Bytes, uncompressed. */
  plainSize: number;
  /** Nothing is in it. */
  isEmpty: boolean;
  /** Files whose owner is not mapped, and that belong to root instead. */
  lostOwners: number;
}
