import type { Compression } from '../tar/compression.js';
import type { Failure } from '../worker/protocol.js';
import type { Written } from './writer.js';

/** What foster and its unpacker (unpack-main.ts) say to each other. The archive comes on standard input. */

export interface UnpackOrder {
  /** Absolute path of the empty directory to fill. */
  tree: string;
  compression: Compression;
  hasOneOwner: boolean;
  /** Of the archive, uncompressed, in bytes. */
  maxSize: number;
  /** It is a layer of an image: its whiteouts become those of overlayfs, and its digest is wanted. */
  isLayer: boolean;
}

export interface UnpackResult {
  written: Written;
  /** Of the archive, uncompressed, in bytes. */
  size: number;
  /** Of a layer, uncompressed: `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

export type UnpackReport = UnpackResult | Failure;
