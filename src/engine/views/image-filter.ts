import { containersOf } from '../../container/image-use.js';
import { getImage, type StoredImage } from '../../image/store/images.js';
import { candidateNames, familiarName, parseReference } from '../../image/store/reference.js';
import { filterInstant, filterTruth, findFilter, labelTest } from './filters.js';
import { createdTime } from './image-row.js';

/** Whether to list an image under this name; undefined for an image without a name. */
export type ImageMatcher = (image: StoredImage, name: string | undefined) => boolean;

/**
 * For each key of --filter, a function that turns a value into a condition.
 * @throws FosterError for an invalid value
 */
const FILTERS: Readonly<Record<string, (value: string, filter: string) => ImageMatcher>> = {
  before: (value) => {
    const instant = createdTime(getImage(value));
    return (image) => createdTime(image) < instant;
  },
  since: isNewerThan,
  after: isNewerThan,
  until: (value) => {
    const instant = filterInstant(value);
    return (image) => createdTime(image) < instant;
  },
  containers: (value, filter) => {
    const wanted = filterTruth(value, filter);
    return ({ descriptor }) => containersOf(descriptor.digest).length > 0 === wanted;
  },
  dangling: (value, filter) => {
    const wanted = filterTruth(value, filter);
    return ({ names }) => (names.length === 0) === wanted;
  },
  digest: (value) => {
    return ({ descriptor }) =>
      descriptor.digest.replace('sha256:', '').startsWith(value.replace('sha256:', ''));
  },
  id: (value) => {
    return ({ id }) => id.replace('sha256:', '').startsWith(value.replace('sha256:', ''));
  },
  // In foster the steps of a build are not images, an image is one manifest, and every image can be changed.
  intermediate: (value, filter) => none(value, filter),
  manifest: (value, filter) => none(value, filter),
  readonly: (value, filter) => none(value, filter),
  label: hasLabel,
  'label!': (value) => {
    const has = hasLabel(value);
    return (image, name) => !has(image, name);
  },
  reference: (value) => (_, name) => name !== undefined && matchesName(name, value),
};

/** Keys of --filter of `images`. */
export const IMAGE_FILTERS: readonly string[] = Object.keys(FILTERS);

/** Keys of --filter of `image prune`. */
export const PRUNE_FILTERS: readonly string[] = ['dangling', 'label', 'label!', 'until'];

/**
 * Turns the values of --filter into one condition: all must match, except that those of `reference` are alternatives.
 * @param keys the keys that the command accepts
 * @throws FosterError
 */
export function imageMatcher(
  filters: readonly string[],
  keys: readonly string[] = IMAGE_FILTERS,
): ImageMatcher {
  const references: ImageMatcher[] = [];
  const others: ImageMatcher[] = [];
  for (const filter of filters) {
    const { key, value, compile } = findFilter(filter, FILTERS, keys);
    (key === 'reference' ? references : others).push(compile(value, filter));
  }
  return (image, name) =>
    (references.length === 0 || references.some((matches) => matches(image, name))) &&
    others.every((matches) => matches(image, name));
}

/** The images that match, the newest first, each with the names that match. @throws FosterError */
export function matchingImages(images: StoredImage[], filters: readonly string[]): StoredImage[] {
  const matches = imageMatcher(filters);
  return images
    .filter((image) => image.names.length > 0 || matches(image, undefined))
    .map((image) => ({ image, names: image.names.filter((each) => matches(image, each)) }))
    .filter(({ image, names }) => names.length > 0 || image.names.length === 0)
    .map(({ image, names }) => ({ ...image, names }))
    .toSorted((a, b) => createdTime(b) - createdTime(a));
}

function isNewerThan(value: string): ImageMatcher {
  const instant = createdTime(getImage(value));
  return (image) => createdTime(image) > instant;
}

function none(value: string, filter: string): ImageMatcher {
  const wanted = filterTruth(value, filter);
  return () => !wanted;
}

function hasLabel(value: string): ImageMatcher {
  const has = labelTest(value);
  return ({ config }) => has(config.config?.Labels ?? {});
}

/** A pattern without a tag means all tags; `*` stands for anything but a slash, as in Docker. */
function matchesName(name: string, pattern: string): boolean {
  const expression = expressionOf(pattern);
  return candidateNames(parseReference(name)).some((each) => {
    const reference = parseReference(each);
    const tag = reference.tag ?? '';
    return [familiarName(reference), `${reference.registry}/${reference.repository}`].some(
      (text) => expression.test(text) || expression.test(`${text}:${tag}`),
    );
  });
}

/** Go's path.Match: `*`, `?`, `[a-z]`. */
function expressionOf(pattern: string): RegExp {
  const text = pattern.replace(/\[\^?[\w-]+\]|[*?]|[.+^${}()|[\]\\]/g, (found) => {
    if (found === '*') return '[^/]*';
    if (found === '?') return '[^/]';
    return found.length > 1 ? found : `\\${found}`;
  });
  return new RegExp(`^${text}$`);
}
