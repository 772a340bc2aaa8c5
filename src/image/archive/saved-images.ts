import { getImage } from '../store/images.js';
import { formatReference, parseReference } from '../store/reference.js';
import type { SavedImage } from './save.js';

/**
 * The images with these names, each once, with all names that were given for it; an ID stands for all its names.
 * @throws FosterError if there is none
 */
export function findSavedImages(texts: string[]): SavedImage[] {
  const found = new Map<string, SavedImage>();
  for (const text of texts) {
    const image = getImage(text);
    const saved = found.get(image.descriptor.digest) ?? { image, names: [] };
    const meant = image.names.filter((name) => name === fullName(text));
    saved.names = [...new Set([...saved.names, ...(meant.length > 0 ? meant : image.names)])];
    found.set(image.descriptor.digest, saved);
  }
  return [...found.values()];
}

function fullName(text: string): string | undefined {
  try {
    return formatReference(parseReference(text));
  } catch {
    return undefined;
  }
}
