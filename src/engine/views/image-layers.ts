import type { StoredImage } from '../../image/store/images.js';
import { familiarReference } from '../../image/store/reference.js';
import { layerSizes } from '../../image/store/size.js';

/** An image with its layers, the lowest first. */
export interface ImageLayers {
  id: string;
  /** Short names: `alpine:latest`. */
  names: string[];
  layers: {
    /** Digest of the uncompressed layer. */
    diffID: string;
    /** Bytes. */
    size: number;
    /** How many of the images have it. */
    imageCount: number;
    /** The command that made it, or a comment. */
    createdBy: string;
  }[];
}

/** Images with their layers, in the same order. */
export function imageLayers(images: StoredImage[]): ImageLayers[] {
  const counts = layerCounts(images);
  return images.map((image) => {
    const sizes = layerSizes(image);
    const steps = (image.config.history ?? []).filter(({ empty_layer: isEmpty }) => !isEmpty);
    return {
      id: image.id,
      names: image.names.map(familiarReference),
      layers: image.config.rootfs.diff_ids.map((diffID, index) => ({
        diffID,
        size: sizes[index] ?? 0,
        imageCount: counts.get(diffID) ?? 1,
        createdBy: steps[index]?.created_by || steps[index]?.comment || '',
      })),
    };
  });
}

/** How many of the images have each layer. */
function layerCounts(images: StoredImage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { config } of images) {
    for (const id of new Set(config.rootfs.diff_ids)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
