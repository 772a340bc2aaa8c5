import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import type { Descriptor, ImageIndex, Platform } from './oci.js';

/** Other common names of architectures, and the Go names (with variants) that images use. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['x64', 'amd64'],
  ['i386', '386'],
  ['i686', '386'],
  ['ia32', '386'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm/v7'],
  ['armel', 'arm/v6'],
]);

/** The variant of an architecture if none is given. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

/** `OS/ARCHITECTURE[/VARIANT]`, as Docker prints a platform. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}

/**
 * Parses a `--platform` value, `OS/ARCHITECTURE[/VARIANT]` or the architecture alone.
 * @throws FosterError
 */
export function parsePlatform(text: string): Platform {
  const words = text.toLowerCase().split('/');
  const [first = '', ...rest] = words;
  const isAlone = rest.length === 0 && first !== 'linux';
  const [os = '', architecture, variant, ...more] = isAlone ? ['linux', first] : words;
  const isValid = words.every((word) => /^[a-z0-9_.-]+$/.test(word)) && more.length === 0;
  if (!isValid || architecture === undefined) {
    throw flagError('--platform', text, 'expected OS/ARCHITECTURE[/VARIANT]', 'such as linux/arm64');
  }
  const [name = '', implied] = (ARCHITECTURES.get(architecture) ?? architecture).split('/');
  const wanted = variant ?? implied;
  return { os, architecture: name, ...(wanted === undefined ? {} : { variant: wanted }) };
}

/** Whether `offered` is the wanted platform, or an older variant of it, which runs there too. */
export function satisfiesPlatform(offered: Platform, wanted: Platform): boolean {
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    acceptedVariants(wanted).includes(variantOf(offered))
  );
}

function variantOf({ architecture, variant }: Platform): string {
  return variant || (DEFAULT_VARIANTS[architecture] ?? '');
}

/** The variant itself, then older ones: an arm/v7 machine runs programs for v6 and v5. */
function acceptedVariants(platform: Platform): string[] {
  const wanted = variantOf(platform);
  const level = /^v(\d)$/.exec(wanted)?.[1];
  if (level === undefined || platform.architecture === 'arm64') return [wanted];
  return Array.from({ length: Number(level) }, (_, below) => `v${Number(level) - below}`);
}

/**
 * The image in an index that matches a platform best.
 * @param name name of the index, for the error
 * @throws FosterError if there is none, with the available platforms
 */
export function selectManifest(index: ImageIndex, wanted: Platform, name: string): Descriptor {
  const [only, ...others] = index.manifests;
  if (only !== undefined && others.length === 0 && only.platform === undefined) return only;
  for (const variant of acceptedVariants(wanted)) {
    const found = index.manifests.find(
      ({ platform }) =>
        platform?.os === wanted.os &&
        platform.architecture === wanted.architecture &&
        variantOf(platform) === variant,
    );
    if (found !== undefined) return found;
  }
  throw noSuchPlatform(
    name,
    wanted,
    index.manifests.flatMap(({ platform }) => platform ?? []),
  );
}

/** The error for an image that is not available for the wanted platform. */
export function noSuchPlatform(name: string, wanted: Platform, offered: Platform[]): FosterError {
  // attestations (how an image was built) have the platform unknown/unknown
  const known = [...new Set(offered.filter(({ os }) => os !== 'unknown').map(formatPlatform))];
  const list = known.length === 0 ? 'it names none' : known.slice(0, 20).join(', ');
  return new FosterError(`${name} is not available for ${formatPlatform(wanted)}`, {
    advice: `available with --platform: ${list}`,
  });
}
