import type { IdMaps } from '../../spec/id-maps.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import type { RegistryAccess } from '../registry/registry.js';

/** A directory tree that serves as the lower layer of a container's overlay. It is never written to. */
export interface RootTree {
  /** Absolute. */
  path: string;
  source: 'directory' | 'tar' | 'recipe' | 'image';
  /** Of the tar file as it is, compressed or not: `sha256:` and 64 hexadecimal digits. */
  digest?: string;
  /** Its image has been pulled for this. */
  isPulled?: true;
  /** Of an image: its name, the digests of its manifest and its config, and its unpacked layers, topmost first. */
  image?: { name: string; digest: string; id?: string; layers: string[]; defaults: ImageDefaults };
}

export interface RootOptions {
  /** Id maps of the container, whose ids own the files. */
  maps: IdMaps;
  /** In bytes; a tar file that unpacks to more fails. No limit by default. */
  maxUnpackedSize?: number;
  /** When to pull an image. */
  pull?: 'missing' | 'always' | 'newer' | 'never';
  /** Platform of an image, `OS/ARCHITECTURE[/VARIANT]`; undefined for this machine's. */
  platform?: string | undefined;
  /** How to access its registry; as `foster pull NAME` does by default. */
  access?: RegistryAccess | undefined;
  /** Whether a pull prints nothing. */
  isQuiet?: boolean;
}
