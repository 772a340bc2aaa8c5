import type { StoredImage } from './images.js';
import { diffIDsOf, unpackedSize } from './layers.js';

/** Bytes of an image's layers, uncompressed where they have been unpacked. */
export function imageSize(image: StoredImage): number {
  return layerSizes(image).reduce((sum, size) => sum + size, 0);
}

/** Bytes of each layer, the lowest first. */
export function layerSizes(image: StoredImage): number[] {
  let diffIDs: string[];
  try {
    diffIDs = diffIDsOf(image);
  } catch {
    diffIDs = []; // it cannot be unpacked
  }
  return image.manifest.layers.map(({ size }, index) => {
    const diffID = diffIDs[index];
    return (diffID === undefined ? undefined : unpackedSize(diffID)) ?? size;
  });
}
