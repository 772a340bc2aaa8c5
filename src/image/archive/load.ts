import { createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { defaultIdMaps } from '../../init/id-maps.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { duplicate } from '../../sys/libc.js';
import { undoUnlessDone } from '../../worker/interrupt.js';
import { digestOf, putBytes } from '../store/blobs.js';
import { keepImage, nameImage } from '../store/images.js';
import { holdStore, letGoOfStore } from '../store/lock.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { type Staged, Staging, stagedBytes } from '../store/staging.js';
import { unpackLayers } from '../store/unpack-layers.js';
import { readDockerArchive } from './docker-archive.js';
import { type ArchiveFiles, directoryFiles, readArchive } from './files.js';
import { readLayout } from './oci-archive.js';

/** An image of an archive, all of whose files have been put aside. */
export interface ArchivedImage {
  /** Whole names. */
  names: string[];
  manifest: { document: Manifest; mediaType: string; bytes: Uint8Array };
  config: ImageConfig;
  /** Config and layers, with the files that they are. */
  blobs: { descriptor: Descriptor; staged: Staged }[];
}

export interface LoadedImage {
  names: string[];
  /** The digest of its config. */
  id: string;
}

export interface LoadOptions {
  /** Of an index of several platforms; the machine's own by default. */
  platform?: string | undefined;
}

/**
 * Loads all images of an archive (docker-archive, oci-archive, compressed or not) or OCI directory into the store,
 * and unpacks them. They get their names when all of them are whole.
 * @param path undefined for standard input
 * @throws FosterError; none of the images is there then
 */
export async function loadImages(path: string | undefined, options: LoadOptions): Promise<LoadedImage[]> {
  const title = path ?? 'standard input';
  holdStore();
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
    throw explained(title, error);
  } finally {
    letGoOfStore();
  }
}

/** Brings the blobs of all images into the store. */
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
  const stream = inputStream(path === undefined ? duplicate(0) : openSync(path, 'r'));
  try {
    return await readArchive(stream, staging);
  } finally {
    stream.destroy();
  }
}

/** What is read of a descriptor, which is closed when that is over. */
export function inputStream(fd: number): Readable {
  const info = fstatSync(fd);
  // A read that blocks, waiting for the other end, would keep us from ending at Ctrl-C.
  if (info.isFIFO() || info.isSocket()) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, highWaterMark: 1024 * 1024 });
}

/** An OCI layout where it is one: Docker 25 and later write both, and that keeps the digests. */
async function readImages(files: ArchiveFiles, options: LoadOptions): Promise<ArchivedImage[]> {
  const index = await files.find('index.json');
  if (index !== undefined) return await readLayout(index, files, options);
  const manifest = await files.find('manifest.json');
  if (manifest !== undefined) return await readDockerArchive(manifest, files);
  if ((await files.find('repositories')) !== undefined) {
    throw new FosterError('it is of the form that Docker wrote before 1.10', {
      advice: 'save the image again with a newer Docker',
    });
  }
  throw new FosterError('it has neither index.json nor manifest.json, so it is no archive of images', {
    advice: "a root file system becomes an image by 'foster import'",
  });
}

async function nameAll({ names, manifest, blobs }: ArchivedImage): Promise<LoadedImage> {
  const descriptor = putBytes(manifest.bytes, manifest.mediaType);
  if (names.length === 0) await keepImage(descriptor);
  for (const name of names) await nameImage(name, descriptor);
  return { names, id: blobs[0]?.descriptor.digest ?? '' };
}

/**
 * The file that a descriptor of an archive means, its digest and size checked.
 * @throws FosterError where it is not there or is something else
 */
export async function stagedBlob(
  files: ArchiveFiles,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): Promise<Staged> {
  const staged = await files.find(`blobs/sha256/${digest.replace('sha256:', '')}`);
  if (staged === undefined) throw new FosterError(`it lacks ${digest}`);
  if (staged.digest !== digest) {
    throw new FosterError(`what it has as ${digest} is something else: its digest is ${staged.digest}`, {
      advice: 'nothing of it was kept',
    });
  }
  if (staged.size !== size) {
    throw new FosterError(`${digest} has ${staged.size} bytes instead of ${size}`);
  }
  return staged;
}

/** A manifest that foster makes, since the archive has none. */
export function manifestBytes(document: Manifest): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function checkedBytes(staged: Staged, what: string): Buffer {
  const bytes = stagedBytes(staged, what);
  if (digestOf(bytes) !== staged.digest) throw new FosterError(`${what} was changed meanwhile`);
  return bytes;
}

function explained(title: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (!(error instanceof FosterError) && code === undefined) return error;
  const why = error instanceof FosterError ? error.message : errnoWords(errnoNumber(code ?? ''));
  const advice =
    error instanceof FosterError
      ? error.advice
      : code === 'ENOSPC'
        ? 'make room on the disk, or set XDG_DATA_HOME to a folder on another'
        : undefined;
  return new FosterError(`cannot load ${title}: ${why}`, {
    ...(advice !== undefined && { advice }),
    cause: error,
  });
}
