import { fstatSync } from 'node:fs';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError, kindOf } from '../../sys/errors.js';
import { withLittleMemory } from '../../sys/little-memory.js';
import { undoUnlessDone } from '../../worker/interrupt.js';
import type { BlobFollower } from '../store/blob-follower.js';
import { hasBlob, putBytes } from '../store/blobs.js';
import { fetchBlob } from '../store/fetch-layer.js';
import { keepUntaggedImage, tagImage } from '../store/images.js';
import { lockStore, unlockStore } from '../store/lock.js';
import type { Descriptor } from '../store/oci.js';
import { Staging } from '../store/staging.js';
import { unpackLayers } from '../store/unpack-layers.js';
import { type ArchivedImage, checkDigest, type LoadOptions } from './archived-image.js';
import { readDockerArchive } from './docker-archive.js';
import { type ArchiveFiles, DirectoryFiles, readArchive } from './files.js';
import { withInputFile } from './input.js';
import { readLayout } from './oci-archive.js';

export interface LoadedImage {
  names: string[];
  /** The digest of its config. */
  id: string;
}

/**
 * Loads all images of an archive (docker-archive, oci-archive, compressed or not) or OCI directory into the store, and
 * unpacks them. They get their names when all of them are complete.
 * @param path undefined for standard input
 * @throws FosterError; none of the images is loaded then
 */
export async function loadImages(path: string | undefined, options: LoadOptions): Promise<LoadedImage[]> {
  const title = path ?? 'standard input';
  await lockStore();
  try {
    const images = await withLittleMemory(() => storeImages(path, options));
    const loaded: LoadedImage[] = [];
    for (const image of images) loaded.push(await nameAll(image));
    return loaded;
  } catch (error) {
    throw explainError(title, error);
  } finally {
    unlockStore();
  }
}

/** Puts the blobs of all images into the store, and unpacks their layers meanwhile. */
async function storeImages(path: string | undefined, options: LoadOptions): Promise<ArchivedImage[]> {
  const staging = new Staging();
  const images = await undoUnlessDone(
    () =>
      withInputFile(path, (fd) =>
        withFiles(fd, path, staging, async (files) => {
          const found = await readImages(files, options);
          for (const image of found) await storeImage(image, staging, path ?? 'standard input');
          return found;
        }),
      ),
    () => staging.discard(),
  );
  staging.discard();
  return images;
}

async function withFiles<T>(
  fd: number,
  path: string | undefined,
  staging: Staging,
  use: (files: ArchiveFiles) => Promise<T>,
): Promise<T> {
  if (path === undefined || !fstatSync(fd).isDirectory()) return await use(await readArchive(fd, staging));
  const files = new DirectoryFiles(path, staging);
  try {
    return await use(files);
  } finally {
    files.close();
  }
}

async function storeImage(image: ArchivedImage, staging: Staging, title: string): Promise<void> {
  const { manifest, config, names, blobs } = image;
  const files = new Map(blobs.map(({ descriptor, file }) => [descriptor.digest, file]));
  const fetch = async (blob: Descriptor, follower: BlobFollower) => {
    if (hasBlob(blob)) return;
    const staged = await files.get(blob.digest)?.stage(follower);
    if (staged === undefined) return;
    checkDigest(blob.digest, staged.digest);
    staging.keep(staged, blob.mediaType);
  };
  const options = { maps: defaultIdMaps(), title: names[0] ?? title, fetch };
  await unpackLayers({ manifest: manifest.document, config }, options);
  // the config, and layers that were unpacked already
  for (const { descriptor } of blobs) await fetchBlob(descriptor, fetch);
}

/** Prefers an OCI layout, which keeps the digests: Docker 25 and later write both formats. */
async function readImages(files: ArchiveFiles, options: LoadOptions): Promise<ArchivedImage[]> {
  const index = files.find('index.json');
  if (index !== undefined) return readLayout(index, files, options);
  const manifest = files.find('manifest.json');
  if (manifest !== undefined) return await readDockerArchive(manifest, files);
  if (files.find('repositories') !== undefined) {
    throw new FosterError('it has the format of Docker before 1.10', {
      advice: 'save the image again with a newer Docker',
    });
  }
  throw new FosterError('it has neither index.json nor manifest.json, so it is not an image archive', {
    advice: "to make an image from a root filesystem, use 'foster import'",
  });
}

async function nameAll({ names, manifest, blobs }: ArchivedImage): Promise<LoadedImage> {
  const descriptor = putBytes(manifest.bytes, manifest.mediaType);
  if (names.length === 0) await keepUntaggedImage(descriptor);
  for (const name of names) await tagImage(name, descriptor);
  return { names, id: blobs[0]?.descriptor.digest ?? '' };
}

function explainError(title: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (!(error instanceof FosterError) && code === undefined) return error;
  const why = error instanceof FosterError ? error.message : errnoWords(errnoNumber(code ?? ''));
  const advice =
    error instanceof FosterError
      ? error.advice
      : code === 'ENOSPC'
        ? 'free some space on the disk, or set XDG_DATA_HOME to a folder on another disk'
        : undefined;
  return new FosterError(`cannot load ${title}: ${why}`, {
    kind: kindOf(error),
    ...(advice !== undefined && { advice }),
    cause: error,
  });
}
