import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../sys/paths.js';

/**
 * Whether the store may have an image whose name ends with this component. Only searches the text of the index, so that
 * a start without an image does not load the image store's modules.
 */
export function mentionsImage(name: string): boolean {
  try {
    return readFileSync(join(dataFolder(), 'images', 'index.json'), 'utf8').includes(`/${name}:`);
  } catch {
    return false; // there is no store, or it is damaged, which other commands report
  }
}
