import { getImage, nameMeant } from '../store/images.js';
import type { SavedImage } from './save.js';

/**
 * The images with these names, each once, with all names that were given for it. An ID is no name: an image that is
 * meant by it alone is saved without one, as in Docker and Podman.
 * @throws FosterError if there is none
 */
export function findSavedImages(texts: string[]): SavedImage[] {
  const found = new Map<string, SavedImage>();
  for (const text of texts) {
    const image = getImage(text);
    const saved = found.get(image.descriptor.digest) ?? { image, names: [] };
    const name = nameMeant(text, image);
    if (name !== undefined && !saved.names.includes(name)) saved.names.push(name);
    found.set(image.descriptor.digest, saved);
  }
  return [...found.values()];
}
