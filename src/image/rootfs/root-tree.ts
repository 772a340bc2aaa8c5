import type { IdMaps } from '../../spec/id-maps.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import type { RegistryAccess } from '../registry/registry.js';

/** A directory tree that serves as the lower layer of a container's overlay. Nobody writes to it. */
export interface RootTree {
  /** Absolute. */
  path: string;
  source: 'directory' | 'tar' | 'recipe' | 'image';
  /** Of the tar file, as it is, compressed or not: `sha256:` and 64 hexadecimal digits. */
  digest?: string;
  /** Of an image: what it is called, the digest of its manifest, its unpacked layers, the uppermost first. */
  image?: { name: string; digest: string; layers: string[]; defaults: ImageDefaults };
}

export interface RootOptions {
  /** Of the container: files are owned by its ids. */
  maps: IdMaps;
  /** In bytes; a tar file that unpacks to more fails. No limit by default. */
  maxUnpackedSize?: number;
  /** Of an image. */
  pull?: 'missing' | 'always' | 'newer' | 'never';
  /** Of an image, `OS/ARCHITECTURE[/VARIANT]`; undefined for the machine's own. */
  platform?: string | undefined;
  /** How its registry is spoken to, where not as `foster pull NAME` does. */
  access?: RegistryAccess | undefined;
  /** Nothing is said about a pull. */
  isQuiet?: boolean;
}
