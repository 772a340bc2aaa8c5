import { readFileSync } from 'node:fs';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { blobPath } from '../store/blobs.js';
import { DEFAULTS_FORMS, malformedField } from '../store/documents.js';
import { findImage, namedDescriptor } from '../store/images.js';
import { diffIDsOf, type LayeredImage, stackOf } from '../store/layers.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { namesMeant, parseReference } from '../store/reference.js';
import type { RootOptions, RootTree } from './root-tree.js';

interface Found {
  name: string;
  descriptor: Descriptor;
  manifest: Manifest;
  config: ImageConfig;
}

/**
 * The root file system of an image: its layers, unpacked where that is not done yet. An image that is not there, or is
 * for another platform, is pulled first, as `options.pull` says.
 * @throws FosterError
 */
export async function imageRoot(name: string, options: RootOptions): Promise<RootTree> {
  const image = await findOrPull(name, options);
  const { descriptor, manifest, config } = image;
  const ready = stackOf(diffIDsOf(image), options.maps);
  const layers = ready ?? (await unpack({ manifest, config }, options, name));
  return {
    path: layers[0] as string,
    source: 'image',
    image: { name: image.name, digest: descriptor.digest, layers, defaults: defaultsOf(config) },
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
    return false; // it can be no name
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
  const reference = parseReference(name);
  const { pullImage } = await import('../registry/pull.js');
  const { say, screen: stream } = surroundings();
  if (pull === 'missing' && !root.isQuiet) say(`Unable to find image '${name}' locally`);
  try {
    const { access = { tlsVerify: true }, isQuiet, ...rest } = root;
    const tell = isQuiet ? undefined : { say, stream };
    const options = { ...rest, ...access, platform, tell };
    const { names, descriptor, manifest, config } = await pullImage(reference, options);
    return { name: names[0] ?? name, descriptor, manifest, config };
  } catch (error) {
    const found = pull === 'newer' ? find(name) : undefined;
    if (found === undefined || !(await isFor(found.config, platform))) throw error;
    return found;
  }
}

async function isFor(config: ImageConfig, platform: string | undefined): Promise<boolean> {
  if (platform === undefined) return true;
  const { parsePlatform, satisfiesPlatform } = await import('../store/platform.js');
  return satisfiesPlatform(config, parsePlatform(platform));
}

/**
 * By its whole name where it is one: that reads three files of the store, without checking again what was checked when
 * they were written. `findImage` reads all images.
 */
function find(name: string): Found | undefined {
  return findByName(name) ?? findSlowly(name);
}

function findByName(name: string): Found | undefined {
  let meant: string[];
  try {
    meant = namesMeant(parseReference(name));
  } catch {
    return undefined; // part of an id may be none
  }
  for (const whole of meant) {
    const descriptor = namedDescriptor(whole);
    if (descriptor !== undefined) return readFound(whole, descriptor);
  }
  return undefined;
}

function readFound(name: string, descriptor: Descriptor): Found | undefined {
  try {
    const manifest = readJSON<Manifest>(descriptor.digest);
    return { name, descriptor, manifest, config: readJSON<ImageConfig>(manifest.config.digest) };
  } catch {
    return undefined; // damaged: to be found out in detail
  }
}

function findSlowly(name: string): Found | undefined {
  const image = findImage(name);
  if (image === undefined) return undefined;
  const { names, descriptor, manifest, config } = image;
  return { name: names[0] ?? name, descriptor, manifest, config };
}

function readJSON<T>(digest: string): T {
  return JSON.parse(readFileSync(blobPath(digest), 'utf8')) as T;
}

/** The `config` part of an image's config, which a store of an older foster may hold unchecked. */
function defaultsOf({ config }: ImageConfig): ImageDefaults {
  const problem = malformedField(config ?? {}, DEFAULTS_FORMS);
  if (problem !== undefined) throw new FosterError(`the config of the image is broken: its ${problem}`);
  return Object.fromEntries(Object.entries(config ?? {}).filter(([, value]) => value !== null));
}
