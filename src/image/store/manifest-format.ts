import { FosterError } from '../../sys/errors.js';
import { type Manifest, MEDIA } from './oci.js';

/** The OCI's manifest, or Docker's image manifest v2 schema 2: the same but for the names of types. */
export const MANIFEST_FORMATS = ['oci', 'docker'] as const;

export type ManifestFormat = (typeof MANIFEST_FORMATS)[number];

/**
 * A manifest in that format, with the same config and layers.
 * @param name of the image, for the error
 * @throws FosterError for what Docker's format has no name for
 */
export function manifestIn(format: ManifestFormat, manifest: Manifest, name: string): Manifest {
  const isDocker = format === 'docker';
  const layerType = isDocker ? (type: string) => dockerLayerType(type, name) : ociLayerType;
  const { annotations, ...rest } = manifest;
  return {
    ...rest,
    mediaType: isDocker ? MEDIA.dockerManifest : MEDIA.manifest,
    config: { ...manifest.config, mediaType: isDocker ? MEDIA.dockerConfig : MEDIA.config },
    layers: manifest.layers.map((layer) => ({ ...layer, mediaType: layerType(layer.mediaType) })),
    ...(annotations !== undefined && !isDocker && { annotations }),
  };
}

/** The format of a manifest with that media type. */
export function formatOf(mediaType: string): ManifestFormat {
  return mediaType === MEDIA.dockerManifest ? 'docker' : 'oci';
}

/** OCI manifests must have OCI layers. */
export function ociLayerType(mediaType: string): string {
  const [, compression] =
    /^application\/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(\w+))?$/.exec(mediaType) ?? [];
  if (!mediaType.startsWith('application/vnd.docker.')) return mediaType;
  return compression === undefined ? MEDIA.layer : `${MEDIA.layer}+${compression}`;
}

function dockerLayerType(mediaType: string, name: string): string {
  if (mediaType.startsWith('application/vnd.docker.')) return mediaType;
  const [, compression] = /\.tar(?:\+(\w+))?$/.exec(mediaType) ?? [];
  if (compression === undefined) return MEDIA.dockerLayer.replace('.gzip', '');
  if (compression === 'gzip') return MEDIA.dockerLayer;
  throw new FosterError(`${name} has layers compressed by ${compression}, which Docker's format has not`, {
    kind: 'unsupported',
    advice: 'leave out --format, or use oci',
    exitCode: 1,
  });
}
