import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { withLock } from '../rootfs/cache.js';
import { imagesFolder, parseDocument, readDocument } from './blobs.js';
import { type Descriptor, type ImageConfig, type ImageIndex, type Manifest, MEDIA } from './oci.js';
import { candidateNames, formatReference, parseReference } from './reference.js';

/**
 * The image store is an OCI image layout, which other tools can read too: `index.json` has an entry for each name,
 * `org.opencontainers.image.ref.name`, and one without a name for an untagged image.
 */
const NAME = 'org.opencontainers.image.ref.name';

/** An image of the store. */
export interface StoredImage {
  /** Full names: `docker.io/library/alpine:latest`. Empty for an untagged image. */
  names: string[];
  /** Of its manifest. */
  descriptor: Descriptor;
  /** The digest of its config: what Docker calls the image's ID. */
  id: string;
  manifest: Manifest;
  config: ImageConfig;
}

function indexFile(): string {
  return join(imagesFolder(), 'index.json');
}

function readIndex(): ImageIndex {
  try {
    return parseDocument<ImageIndex>(
      readFileSync(indexFile()),
      `the index of the image store, ${indexFile()},`,
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { schemaVersion: 2, mediaType: MEDIA.index, manifests: [] };
    throw error;
  }
}

/** The manifest of the image with this full name. Reads only the index. */
export function namedDescriptor(name: string): Descriptor | undefined {
  return readIndex().manifests.find((entry) => entry.annotations?.[NAME] === name);
}

/** The manifests of all images, one for each of their names. */
export function indexedManifests(): Descriptor[] {
  return readIndex().manifests;
}

/** Reads, changes and atomically replaces the index, while holding the store's lock. */
async function changeIndex(change: (entries: Descriptor[]) => Descriptor[]): Promise<void> {
  await withLock('images', () => {
    const index = readIndex();
    const folder = imagesFolder();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const fresh = `${indexFile()}.new`;
    writeFileSync(fresh, JSON.stringify({ ...index, manifests: change(index.manifests) }), {
      mode: 0o600,
      flush: true,
    });
    renameSync(fresh, indexFile());
    return Promise.resolve();
  });
}

/**
 * Names the image with this manifest; another image may lose the name. All that the manifest names must be in the
 * store.
 */
export async function tagImage(name: string, { mediaType, digest, size }: Descriptor): Promise<void> {
  await changeIndex((entries) => {
    const others = entries.filter((entry) => entry.annotations?.[NAME] !== name);
    const lost = entries.find((entry) => entry.annotations?.[NAME] === name);
    const isLeftNameless =
      lost !== undefined && lost.digest !== digest && !others.some((entry) => entry.digest === lost.digest);
    const nameless = isLeftNameless
      ? [{ mediaType: lost.mediaType, digest: lost.digest, size: lost.size }]
      : [];
    const kept = others.filter((entry) => entry.digest !== digest || entry.annotations?.[NAME] !== undefined);
    return [...kept, ...nameless, { mediaType, digest, size, annotations: { [NAME]: name } }];
  });
}

/** Adds an image without a name to the index. */
export async function keepUntaggedImage({ mediaType, digest, size }: Descriptor): Promise<void> {
  await changeIndex((entries) =>
    entries.some((entry) => entry.digest === digest) ? entries : [...entries, { mediaType, digest, size }],
  );
}

/**
 * Removes names. An image without names is removed from the index, unless `keep`; its blobs go with the next garbage
 * collection.
 */
export async function untagImage(names: string[], options: { keep: boolean }): Promise<void> {
  await changeIndex((entries) => {
    const gone = entries.filter((entry) => names.includes(entry.annotations?.[NAME] ?? ''));
    const kept = entries.filter((entry) => !gone.includes(entry));
    const orphaned = gone.filter((entry) => !kept.some(({ digest }) => digest === entry.digest));
    const unique = [...new Map(orphaned.map((entry) => [entry.digest, entry])).values()];
    const nameless = unique.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
    return options.keep ? [...kept, ...nameless] : kept;
  });
}

/** Removes an image with all its names from the index. */
export async function removeFromIndex(digest: string): Promise<void> {
  await changeIndex((entries) => entries.filter((entry) => entry.digest !== digest));
}

/** All images, except those whose documents are damaged. */
export function listImages(): StoredImage[] {
  const byDigest = new Map<string, { descriptor: Descriptor; names: string[] }>();
  for (const { annotations, ...descriptor } of readIndex().manifests) {
    const known = byDigest.get(descriptor.digest) ?? { descriptor, names: [] as string[] };
    const name = annotations?.[NAME];
    if (name !== undefined) known.names.push(name);
    byDigest.set(descriptor.digest, known);
  }
  return [...byDigest.values()].flatMap(({ descriptor, names }) => readImage(descriptor, names) ?? []);
}

function readImage(descriptor: Descriptor, names: string[]): StoredImage | undefined {
  try {
    const manifest = readDocument<Manifest>(descriptor);
    const config = readDocument<ImageConfig>(manifest.config);
    return { names, descriptor, id: manifest.config.digest, manifest, config };
  } catch {
    return undefined;
  }
}

/** Whether it means an image by its id or digest, even if another one has a name that looks like it: `sha256:cafe`. */
export function isAlwaysID(text: string): boolean {
  return /^(?:sha256:[0-9a-f]{2,64}|[0-9a-f]{64})$/.test(text);
}

/**
 * The image with a name, digest, id or unambiguous prefix of an id; undefined if there is none.
 * @throws FosterError for an invalid name, and for a prefix of several ids
 */
export function findImage(text: string): StoredImage | undefined {
  const images = listImages();
  const hex = /^(?:sha256:)?([0-9a-f]{2,64})$/.exec(text)?.[1];
  // a name takes precedence over an id's prefix that looks like it: `cafe`
  const isName = hex !== undefined && !isAlwaysID(text) && isNamed(images, text);
  if (hex !== undefined && !isName) {
    const matches = images.filter(({ id, descriptor }) => {
      return id.startsWith(`sha256:${hex}`) || descriptor.digest.startsWith(`sha256:${hex}`);
    });
    // Manifests of different types may describe the same image.
    if (new Set(matches.map(({ id }) => id)).size === 1) {
      return matches.find(({ names }) => names.length > 0) ?? matches[0];
    }
    if (matches.length > 1) {
      throw new FosterError(`${text} is a prefix of ${matches.length} image IDs`, {
        kind: 'conflict',
        advice: 'use more characters',
      });
    }
    if (text.startsWith('sha256:')) return undefined;
  }
  const reference = parseReference(text);
  const { tag, digest } = reference;
  const named = candidateNames({ ...reference, digest: undefined })
    .map((name) => images.find(({ names }) => names.includes(name)))
    .find((image) => image !== undefined);
  if (digest === undefined) return named;
  // an image pulled by the digest of an index has that name, but its manifest has another digest
  const fullName = formatReference({ ...reference, tag: undefined });
  const found = images.find(
    ({ descriptor, names }) => descriptor.digest === digest || names.includes(fullName),
  );
  return tag === undefined || found !== named ? found : named;
}

function isNamed(images: StoredImage[], text: string): boolean {
  const candidates = candidateNames(parseReference(text));
  return images.some(({ names }) => names.some((name) => candidates.includes(name)));
}

/** The name by which `findImage` has found the image; undefined where that was by its ID or digest. */
export function nameMeant(text: string, { names }: StoredImage): string | undefined {
  try {
    const reference = parseReference(text);
    // the name that a pull of NAME:TAG@DIGEST gives has no tag
    const meant = reference.digest === undefined ? reference : { ...reference, tag: undefined };
    return candidateNames(meant).find((name) => names.includes(name));
  } catch {
    return undefined;
  }
}

/** As `findImage`. @throws FosterError if there is none */
export function getImage(text: string): StoredImage {
  const image = findImage(text);
  if (image === undefined) {
    throw new FosterError(`no such image: ${text}`, {
      kind: 'not-found',
      advice: "'foster images' lists them",
      exitCode: 1,
    });
  }
  return image;
}
