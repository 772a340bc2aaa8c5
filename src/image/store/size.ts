import type { StoredImage } from './images.js';
import { diffIDsOf, unpackedSize } from './layers.js';

/** Size of an image's layers in bytes: uncompressed if they are unpacked, else compressed. */
export function imageSize(image: StoredImage): number {
  return layerSizes(image).reduce((sum, size) => sum + size, 0);
}

/** Size of each layer in bytes, bottommost first. */
export function layerSizes(image: StoredImage): number[] {
  let diffIDs: string[];
  try {
    diffIDs = diffIDsOf(image);
  } catch {
    diffIDs = []; // not valid
  }
  return image.manifest.layers.map(({ size }, index) => {
    const diffID = diffIDs[index];
    return (diffID === undefined ? undefined : unpackedSize(diffID)) ?? size;
  });
}
