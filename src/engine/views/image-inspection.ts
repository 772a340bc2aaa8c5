import type { StoredImage } from '../../image/store/images.js';
import { familiarName, familiarReference, parseReference } from '../../image/store/reference.js';
import { imageSize } from '../../image/store/size.js';

/** An image as `docker image inspect` shows it. */
export function imageInspection(image: StoredImage): Record<string, unknown> {
  const { id, names, descriptor, config, manifest } = image;
  const tagged = names.filter((name) => parseReference(name).tag !== undefined);
  const repositories = [...new Set(names.map((name) => familiarName(parseReference(name))))];
  return {
    Id: id,
    RepoTags: tagged.map(familiarReference),
    RepoDigests: repositories.map((name) => `${name}@${descriptor.digest}`),
    Digest: descriptor.digest,
    MediaType: descriptor.mediaType,
    Created: config.created ?? '',
    Author: config.author ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    Size: imageSize(image),
    Config: config.config ?? {},
    GraphDriver: { Name: 'overlay' },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Layers: manifest.layers,
    History: config.history ?? [],
  };
}
