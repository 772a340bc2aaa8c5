import type { Compression } from '../tar/compression.js';
import type { Written } from './writer.js';

/** What foster and its unpacker (unpack-main.ts) say to each other. */

/** The unpacker's descriptors. */
export const UNPACK_FD = {
  /** The archive. */
  archive: 0,
  /** Gives one byte as soon as the ids are mapped. */
  control: 3,
  /** Takes one UnpackReport as JSON. */
  report: 4,
} as const;

/** The unpacker's one argument, as JSON. */
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

export type UnpackReport =
  /** `digest` of a layer, uncompressed: `sha256:` and 64 hexadecimal digits. */
  { written: Written; size: number; digest?: string } | { error: string; advice?: string };
