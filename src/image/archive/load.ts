import { statSync } from 'node:fs';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError, kindOf } from '../../sys/errors.js';
import { undoUnlessDone } from '../../worker/interrupt.js';
import { putBytes } from '../store/blobs.js';
import { keepUntaggedImage, tagImage } from '../store/images.js';
import { lockStore, unlockStore } from '../store/lock.js';
import { Staging } from '../store/staging.js';
import { unpackLayers } from '../store/unpack-layers.js';
import type { ArchivedImage, LoadOptions } from './archived-image.js';
import { readDockerArchive } from './docker-archive.js';
import { type ArchiveFiles, directoryFiles, readArchive } from './files.js';
import { withInput } from './input.js';
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
    const images = await stage(path, options);
    for (const { manifest, config, names } of images) {
      const maps = defaultIdMaps();
      await unpackLayers({ manifest: manifest.document, config }, { maps, title: names[0] ?? title });
    }
    const loaded: LoadedImage[] = [];
    for (const image of images) loaded.push(await nameAll(image));
    return loaded;
  } catch (error) {
    throw explainError(title, error);
  } finally {
    unlockStore();
  }
}

/** Moves the blobs of all images into the store. */
async function stage(path: string | undefined, options: LoadOptions): Promise<ArchivedImage[]> {
  const staging = new Staging();
  const images = await undoUnlessDone(
    async () => {
      const files = await filesOf(path, staging);
      const found = await readImages(files, options);
      for (const { blobs } of found) {
        for (const { descriptor, staged } of blobs) staging.keep(staged, descriptor.mediaType);
      }
      return found;
    },
    () => staging.discard(),
  );
  staging.discard();
  return images;
}

async function filesOf(path: string | undefined, staging: Staging): Promise<ArchiveFiles> {
  if (path !== undefined && statSync(path).isDirectory()) return directoryFiles(path, staging);
  return await withInput(path, (input) => readArchive(input, staging));
}

/** Prefers an OCI layout, which keeps the digests: Docker 25 and later write both formats. */
async function readImages(files: ArchiveFiles, options: LoadOptions): Promise<ArchivedImage[]> {
  const index = await files.find('index.json');
  if (index !== undefined) return await readLayout(index, files, options);
  const manifest = await files.find('manifest.json');
  if (manifest !== undefined) return await readDockerArchive(manifest, files);
  if ((await files.find('repositories')) !== undefined) {
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
