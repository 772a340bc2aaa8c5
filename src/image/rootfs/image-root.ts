import { readFileSync } from 'node:fs';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { FosterError } from '../../sys/errors.js';
import { refuseTemplate } from '../../sys/sightings.js';
import { surroundings } from '../../sys/surroundings.js';
import { blobPath } from '../store/blobs.js';
import { DEFAULTS_CHECKS, malformedField } from '../store/documents.js';
import { findImage, isAlwaysID, namedDescriptor } from '../store/images.js';
import { diffIDsOf, findUnpackedLayers, type LayeredImage } from '../store/layers.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { candidateNames, parseReference } from '../store/reference.js';
import type { RootOptions, RootTree } from './root-tree.js';

interface Found {
  name: string;
  descriptor: Descriptor;
  manifest: Manifest;
  config: ImageConfig;
  isPulled?: true;
}

/**
 * The root filesystem of an image: its layers, which are unpacked if necessary. An image that is missing, or is for
 * another platform, is pulled first, depending on `options.pull`.
 * @throws FosterError
 */
export async function imageRoot(name: string, options: RootOptions): Promise<RootTree> {
  const image = await findOrPull(name, options);
  const { descriptor, manifest, config } = image;
  const ready = findUnpackedLayers(diffIDsOf(image), options.maps);
  const layers = ready ?? (await unpack({ manifest, config }, options, name));
  return {
    path: layers[0] as string,
    source: 'image',
    ...(image.isPulled && { isPulled: true }),
    image: {
      name: image.name,
      digest: descriptor.digest,
      id: manifest.config.digest,
      layers,
      defaults: defaultsOf(config),
    },
  };
}

async function unpack(image: LayeredImage, options: RootOptions, title: string): Promise<string[]> {
  const { unpackLayers } = await import('../store/unpack-layers.js');
  return await unpackLayers(image, { ...options, title });
}

/** Whether the store has an image of that name. */
export function isStored(name: string): boolean {
  try {
    return findByName(name) !== undefined;
  } catch {
    return false; // not a valid name
  }
}

async function findOrPull(name: string, root: RootOptions): Promise<Found> {
  const { pull = 'missing', platform } = root;
  if (pull === 'missing' || pull === 'never') {
    const found = find(name);
    if (found !== undefined && (await isFor(found.config, platform))) return found;
    if (pull === 'never') {
      const other = found && `${found.config.os}/${found.config.architecture}`;
      throw new FosterError(
        other === undefined ? `no such image: ${name}` : `image ${name} is for ${other}, not for ${platform}`,
        { kind: 'not-found', advice: `foster pull ${platform ? `--platform ${platform} ` : ''}${name}` },
      );
    }
  }
  if (pull !== 'missing') refuseTemplate(); // the registry is to be asked each time
  const reference = parseReference(name);
  const { pullImage } = await import('../registry/pull.js');
  const { progress: printLine, screen: stream } = surroundings();
  if (pull === 'missing' && !root.isQuiet) printLine(`Unable to find image '${name}' locally`);
  try {
    const { access = { tlsVerify: true }, isQuiet, ...rest } = root;
    const progress = isQuiet ? undefined : { printLine, stream };
    const options = { ...rest, ...access, platform, progress };
    const { names, descriptor, manifest, config } = await pullImage(reference, options);
    return { name: names[0] ?? name, descriptor, manifest, config, isPulled: true };
  } catch (error) {
    const found = pull === 'newer' ? find(name) : undefined;
    if (found === undefined || !(await isFor(found.config, platform))) throw error;
    return found;
  }
}

/** Whether an image is for a platform, if one is wanted. */
export async function isFor(config: ImageConfig, platform: string | undefined): Promise<boolean> {
  if (platform === undefined) return true;
  const { parsePlatform, satisfiesPlatform } = await import('../store/platform.js');
  return satisfiesPlatform(config, parsePlatform(platform));
}

/**
 * Looks for the full name first: that reads only three files of the store, and does not verify again what was verified
 * when they were written. `findImage` reads all images.
 */
function find(name: string): Found | undefined {
  return findByName(name) ?? findInAllImages(name);
}

function findByName(name: string): Found | undefined {
  if (isAlwaysID(name)) return undefined;
  let candidates: string[];
  try {
    candidates = candidateNames(parseReference(name));
  } catch {
    return undefined; // part of an id need not be a valid name
  }
  for (const fullName of candidates) {
    const descriptor = namedDescriptor(fullName);
    if (descriptor !== undefined) return readFound(fullName, descriptor);
  }
  return undefined;
}

function readFound(name: string, descriptor: Descriptor): Found | undefined {
  try {
    const manifest = readJSON<Manifest>(descriptor.digest);
    return { name, descriptor, manifest, config: readJSON<ImageConfig>(manifest.config.digest) };
  } catch {
    return undefined; // damaged: findImage reports how
  }
}

function findInAllImages(name: string): Found | undefined {
  const image = findImage(name);
  if (image === undefined) return undefined;
  const { names, descriptor, manifest, config } = image;
  return { name: names[0] ?? name, descriptor, manifest, config };
}

function readJSON<T>(digest: string): T {
  return JSON.parse(readFileSync(blobPath(digest), 'utf8')) as T;
}

/** The `config` part of an image's config, which an older foster may have stored unchecked. */
function defaultsOf({ config }: ImageConfig): ImageDefaults {
  const problem = malformedField(config ?? {}, DEFAULTS_CHECKS);
  if (problem !== undefined)
    throw new FosterError(`the config of the image is invalid: ${problem} has the wrong type`);
  return Object.fromEntries(Object.entries(config ?? {}).filter(([, value]) => value !== null));
}
