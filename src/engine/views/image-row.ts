import type { StoredImage } from '../../image/store/images.js';
import { familiarName, parseReference } from '../../image/store/reference.js';
import { imageSize } from '../../image/store/size.js';
import { humanSince } from './duration.js';
import { decimalSize } from './size.js';

/** What a template of `images --format` sees of an image: Docker's names. */
export type ImageField = 'Repository' | 'Tag' | 'Digest' | 'ID' | 'CreatedSince' | 'CreatedAt' | 'Size';

export type ImageRow = Record<ImageField, string>;

/** An image as rows of `docker images --no-trunc`, one for each name. @param now in milliseconds since 1970 */
export function imageRows(image: StoredImage, now: number): ImageRow[] {
  const { id, config, descriptor, names } = image;
  const rest = {
    Digest: descriptor.digest,
    ID: id,
    CreatedSince: createdSince(config.created, now),
    CreatedAt: config.created ?? '',
    Size: decimalSize(imageSize(image)),
  };
  if (names.length === 0) return [{ Repository: '<none>', Tag: '<none>', ...rest }];
  return names.map((name) => {
    const reference = parseReference(name);
    return { Repository: familiarName(reference), Tag: reference.tag ?? '<none>', ...rest };
  });
}

/** `3 hours ago`, or `N/A`. */
export function createdSince(created: string | undefined, now: number): string {
  return created === undefined ? 'N/A' : `${humanSince(created, now)} ago`;
}
