import type { Compression } from '../tar/compression.js';
import type { Failure } from '../worker/protocol.js';
import type { Written } from './tree-writer.js';

/**
 * The protocol between foster and its unpacker (unpack-main.ts), which unpacks several archives at a time. Commands are
 * messages in JSON on its standard input, a socket; answers are lines in JSON on its standard output.
 */

export interface UnpackOrder {
  /** Absolute path of a directory. All trees are in it. */
  folder: string;
  /** Whether only one id is mapped, so that everything belongs to root. */
  hasOneOwner: boolean;
}

export interface ArchiveOrder {
  /** Path of the directory to fill, in the folder. It is empty unless the archive `merges`. */
  tree: string;
  compression: Compression;
  /** Of the uncompressed archive, in bytes. */
  maxSize: number;
  /** Whether it is a layer of an image: its whiteouts are converted to overlayfs's, and its digest is computed. */
  isLayer: boolean;
  /** Whether files that are there stay, unless the archive has one of that name. */
  merges?: boolean;
  /** Whether the file is still being written, so that its end is not that of the archive. */
  isGrowing: boolean;
}

/** `archive` comes with a descriptor of the archive; `id` is chosen by foster. */
export type UnpackCommand =
  | { id: number; archive: ArchiveOrder }
  /** To `readTo`: whether there is more to read, or that was all, or it is to be given up. */
  | { id: number; growth: 'more' | 'end' | 'failed' };

export type UnpackAnswer =
  | { id: number; report: UnpackReport }
  /** All of a growing file was read, up to this offset. */
  | { id: number; readTo: number };

export interface UnpackResult {
  written: Written;
  /** Of the uncompressed archive, in bytes. */
  size: number;
  /** Digest of an uncompressed layer: `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

export type UnpackReport = UnpackResult | Failure;
