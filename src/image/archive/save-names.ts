import { getImage } from '../store/images.js';
import { formatReference, parseReference } from '../store/reference.js';
import type { SavedImage } from './save.js';

/**
 * Images that people name, each once with all names that it was asked for by; by its ID it has all its names.
 * @throws FosterError where there is none
 */
export function savedImages(texts: string[]): SavedImage[] {
  const found = new Map<string, SavedImage>();
  for (const text of texts) {
    const image = getImage(text);
    const saved = found.get(image.descriptor.digest) ?? { image, names: [] };
    const meant = image.names.filter((name) => name === wholeName(text));
    saved.names = [...new Set([...saved.names, ...(meant.length > 0 ? meant : image.names)])];
    found.set(image.descriptor.digest, saved);
  }
  return [...found.values()];
}

function wholeName(text: string): string | undefined {
  try {
    return formatReference(parseReference(text));
  } catch {
    return undefined;
  }
}
