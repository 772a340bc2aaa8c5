import { getImage, type StoredImage } from '../../image/store/images.js';
import { familiarName, parseReference } from '../../image/store/reference.js';
import { flagError } from '../../spec/parse/flag.js';

/** Whether an image is to be listed under that name; undefined: as one without a name. */
export type ImageMatcher = (image: StoredImage, name: string | undefined) => boolean;

/**
 * The values of --filter as one condition: all must match, but for several of `reference`, which are alternatives.
 * @throws FosterError
 */
export function imageMatcher(filters: string[]): ImageMatcher {
  const patterns = filters
    .filter((filter) => filter.startsWith('reference='))
    .map((filter) => filter.slice(10));
  const others = filters.filter((filter) => !filter.startsWith('reference=')).map(condition);
  return (image, name) =>
    (patterns.length === 0 ||
      (name !== undefined && patterns.some((pattern) => matchesName(name, pattern)))) &&
    others.every((matches) => matches(image, name));
}

/** Those that match, the newest first, each with the names that match. @throws FosterError */
export function matchingImages(images: StoredImage[], filters: readonly string[]): StoredImage[] {
  const matches = imageMatcher([...filters]);
  return images
    .filter((image) => image.names.length > 0 || matches(image, undefined))
    .map((image) => ({ image, names: image.names.filter((each) => matches(image, each)) }))
    .filter(({ image, names }) => names.length > 0 || image.names.length === 0)
    .map(({ image, names }) => ({ ...image, names }))
    .toSorted((a, b) => createdOf(b) - createdOf(a));
}

function condition(filter: string): ImageMatcher {
  const equals = filter.indexOf('=');
  const key = filter.slice(0, Math.max(equals, 0));
  const value = filter.slice(equals + 1);
  switch (key) {
    case 'dangling': {
      if (value !== 'true' && value !== 'false') break;
      return ({ names }) => (names.length === 0) === (value === 'true');
    }
    case 'label': {
      const [label = '', ...rest] = value.split('=');
      return ({ config }) => {
        const labels = config.config?.Labels ?? {};
        return Object.hasOwn(labels, label) && (rest.length === 0 || labels[label] === rest.join('='));
      };
    }
    case 'before':
    case 'since': {
      const instant = createdOf(getImage(value));
      return (image) => (key === 'before' ? createdOf(image) < instant : createdOf(image) > instant);
    }
  }
  throw flagError(
    '--filter',
    filter,
    'expected dangling=true|false, label=, reference=, before= or since= with a value',
  );
}

function createdOf({ config }: StoredImage): number {
  return Date.parse(config.created ?? '') || 0;
}

/** A pattern without a tag means all tags; `*` stands for anything but a slash. */
function matchesName(name: string, pattern: string): boolean {
  const reference = parseReference(name);
  const familiar = familiarName(reference);
  const whole = `${reference.registry}/${reference.repository}`;
  const tag = reference.tag ?? '';
  const expression = new RegExp(
    `^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`,
  );
  return [familiar, whole, `${familiar}:${tag}`, `${whole}:${tag}`].some((text) => expression.test(text));
}
