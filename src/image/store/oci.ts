import type { ImageDefaults } from '../../spec/image-defaults.js';

/**
 * The documents of the OCI image-spec (v1.1), and of Docker's image manifest v2 schema 2, which differs only in names.
 */

export const MEDIA = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

export const INDEX_TYPES: readonly string[] = [MEDIA.index, MEDIA.dockerList];
export const MANIFEST_TYPES: readonly string[] = [MEDIA.manifest, MEDIA.dockerManifest];

/** image-spec, "descriptor.md". */
export interface Descriptor {
  mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
  /** Bytes. */
  size: number;
  platform?: Platform;
  annotations?: Record<string, string>;
}

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** image-spec, "image-index.md". */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

/** image-spec, "manifest.md". */
export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** image-spec, "config.md"; the capital names are Docker's. */
export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  /** RFC 3339. */
  created?: string;
  author?: string;
  config?: ImageDefaults;
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: HistoryEntry[];
}

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** This machine's platform, in Go's names. */
export function ownPlatform(): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm', ia32: '386' };
  return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
}
