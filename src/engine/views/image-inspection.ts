import type { StoredImage } from '../../image/store/images.js';
import { findUnpackedLayers } from '../../image/store/layers.js';
import { familiarName, familiarReference, parseReference } from '../../image/store/reference.js';
import { imageSize } from '../../image/store/size.js';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';

/** An image as `docker image inspect` and `podman image inspect` show it. */
export function imageInspection(image: StoredImage): Record<string, unknown> {
  const { id, names, descriptor, config, manifest } = image;
  const tagged = names.filter((name) => parseReference(name).tag !== undefined);
  const repositories = [...new Set(names.map((name) => familiarName(parseReference(name))))];
  const size = imageSize(image);
  return {
    Id: id,
    RepoTags: tagged.map(familiarReference),
    RepoDigests: repositories.map((name) => `${name}@${descriptor.digest}`),
    Digest: descriptor.digest,
    MediaType: descriptor.mediaType,
    ManifestType: descriptor.mediaType,
    Parent: '', // as in Docker for images that were pulled or built by BuildKit
    Created: config.created ?? '',
    Author: config.author ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    Size: size,
    VirtualSize: size,
    Config: config.config ?? {},
    Labels: config.config?.Labels ?? {},
    Annotations: manifest.annotations ?? {},
    User: config.config?.User ?? '',
    ...(config.config?.Healthcheck && { HealthCheck: config.config.Healthcheck }),
    GraphDriver: { Name: 'overlay', Data: directoriesOf(image) },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Layers: manifest.layers,
    History: config.history ?? [],
    NamesHistory: names,
  };
}

/** The folders of the layers, under the names of Docker's and Podman's overlay driver; empty if they are not unpacked. */
function directoriesOf({ config }: StoredImage): Record<string, string> {
  const [upper, ...lower] = findUnpackedLayers(config.rootfs.diff_ids, defaultIdMaps()) ?? [];
  if (upper === undefined) return {};
  return { UpperDir: upper, ...(lower.length > 0 && { LowerDir: lower.join(':') }) };
}
