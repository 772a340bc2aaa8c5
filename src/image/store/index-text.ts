import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../sys/paths.js';

/**
 * Whether the store may have an image whose last name is this one. It looks for the text in the index alone, so that a
 * start that needs no image does not load what reads the store.
 */
export function mentionsImage(name: string): boolean {
  try {
    return readFileSync(join(dataFolder(), 'images', 'index.json'), 'utf8').includes(`/${name}:`);
  } catch {
    return false; // there is no store, or one whose damage another command explains
  }
}
