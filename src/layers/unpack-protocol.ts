import type { Compression } from '../tar/compression.js';
import type { Failure } from '../worker/protocol.js';
import type { Written } from './tree-writer.js';

/** The protocol between foster and its unpacker (unpack-main.ts). The archive comes on standard input. */

export interface UnpackOrder {
  /** Absolute path of the directory to fill, which is empty unless it `merges`. */
  tree: string;
  compression: Compression;
  hasOneOwner: boolean;
  /** Of the uncompressed archive, in bytes. */
  maxSize: number;
  /** Whether it is a layer of an image: its whiteouts are converted to overlayfs's, and its digest is computed. */
  isLayer: boolean;
  /** Whether files that are there stay, unless the archive has one of that name. */
  merges?: boolean;
}

export interface UnpackResult {
  written: Written;
  /** Of the uncompressed archive, in bytes. */
  size: number;
  /** Digest of an uncompressed layer: `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

export type UnpackReport = UnpackResult | Failure;
