import type { StoredImage } from '../../image/store/images.js';
import type { ImageInfo } from '../types.js';

/** An image as the library describes it. */
export function imageInfo({ id, names, descriptor, config }: StoredImage): ImageInfo {
  return {
    id,
    names,
    digest: descriptor.digest,
    created: config.created === undefined ? undefined : new Date(config.created),
    platform: [config.os, config.architecture, config.variant].filter(Boolean).join('/'),
  };
}
