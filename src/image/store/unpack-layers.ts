import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feed } from '../../layers/feed.js';
import type { Unpacking } from '../../layers/unpack.js';
import type { UnpackReport } from '../../layers/unpack-protocol.js';
import type { Written } from '../../layers/writer.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { peek } from '../../tar/peek.js';
import { forEachParallel } from '../../worker/parallel.js';
import type { BlobFollower } from '../registry/blob-follower.js';
import { positionOf, startProgress } from '../registry/progress.js';
import { makeTree, type Workplace, withLock } from '../rootfs/cache.js';
import { blobPath } from './blobs.js';
import {
  diffIDsOf,
  LAYER_TREE,
  type LayeredImage,
  layerName,
  layerPath,
  layersFolder,
  shortDigest,
  stackOf,
} from './layers.js';
import type { Descriptor } from './oci.js';

export interface UnpackOptions {
  /** Of the container: files are owned by its ids. */
  maps: IdMaps;
  /** Of each layer, uncompressed, in bytes. No limit by default. */
  maxUnpackedSize?: number;
}

/** So many are unpacked at a time. */
const AT_ONCE = 2;

/**
 * The image's unpacked layers, those that are missing being unpacked. Their blobs must be in the store.
 * @param options.title what the progress bar is called
 * @returns absolute paths, the uppermost first
 * @throws FosterError; layers that were finished stay, of the others nothing does
 */
export async function unpackLayers(
  image: LayeredImage,
  options: UnpackOptions & { title?: string },
): Promise<string[]> {
  const diffIDs = diffIDsOf(image);
  const waiting = layersOf(image).filter(({ diffID }) => !existsSync(layerPath(diffID, options.maps)));
  const position = new Position();
  const total = waiting.reduce((sum, { layer }) => sum + layer.size, 0);
  const progress =
    waiting.length === 0
      ? undefined
      : await startProgress(options.title ?? 'unpacking', total, () => position.now());
  const abort = new AbortController();
  const job = { ...options, position, signal: abort.signal, stop: () => progress?.stop() };
  const written: (Written | undefined)[] = [];
  const unpack = async (packed: PackedLayer) => {
    written.push(await unpackLayer(packed, job));
  };
  try {
    await forEachParallel(waiting, AT_ONCE, unpack, abort);
  } finally {
    progress?.stop();
  }
  progress?.summarize(sumOf(written));
  return stackOf(diffIDs, options.maps) ?? [];
}

/** A layer as it is in the store, and the digest of what it is uncompressed. */
export interface PackedLayer {
  layer: Descriptor;
  diffID: string;
}

/** The different layers of an image, the lowest first. @throws FosterError where its config does not fit its manifest */
export function layersOf(image: LayeredImage): PackedLayer[] {
  const { layers } = image.manifest;
  const pairs = diffIDsOf(image).map((diffID, index) => [diffID, layers[index] as Descriptor] as const);
  return [...new Map(pairs)].map(([diffID, layer]) => ({ diffID, layer }));
}

/** What became of several archives together. */
export function sumOf(parts: (Written | undefined)[]): Written {
  const sum = (key: Exclude<keyof Written, 'isOpaque'>) =>
    parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
  return {
    members: sum('members'),
    skippedDevices: sum('skippedDevices'),
    lostAttributes: sum('lostAttributes'),
    lostOwners: sum('lostOwners'),
    isOpaque: false,
  };
}

/** How far all files that are being read are, together. */
class Position {
  #done = 0;
  readonly #open = new Set<number>();

  begin(fd: number): void {
    this.#open.add(fd);
  }

  end(fd: number): void {
    this.#open.delete(fd);
    this.#done += fstatSync(fd).size;
  }

  now(): number {
    return [...this.#open].reduce((sum, fd) => sum + positionOf(fd), this.#done);
  }
}

interface UnpackJob extends UnpackOptions {
  position?: Position;
  /** Takes the progress bar away. */
  stop?(): void;
  /** Ends it at once. */
  signal?: AbortSignal;
}

/**
 * Unpacks a layer, unless that is done already. Its blob is in the store, or just arriving there: then it is unpacked as
 * it comes.
 * @returns undefined where there was nothing to do
 * @throws FosterError; nothing of it stays then
 */
export async function unpackLayer(
  packed: PackedLayer,
  job: UnpackJob,
  follower?: BlobFollower,
): Promise<Written | undefined> {
  const { diffID } = packed;
  const name = layerName(diffID, job.maps);
  // Before the lock is taken: else somebody who waits for another's download could hold it.
  const isDownloading = follower !== undefined && (await follower.hasBegun());
  const work = async () => {
    if (existsSync(layerPath(diffID, job.maps))) return undefined; // somebody was faster
    mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
    if (!isDownloading) return await unpackToPlace(name, packed, job);
    try {
      return await unpackToPlace(name, packed, job, follower);
    } catch (error) {
      // Nobody has checked what the unpacker did not like: where that was wrong, the download is what has failed.
      await follower.whole();
      if (follower.isInOnePiece) throw error;
      return await unpackToPlace(name, packed, job);
    }
  };
  return await withLock(`layer-${name}`, work, job.signal);
}

async function unpackToPlace(
  name: string,
  packed: PackedLayer,
  job: UnpackJob,
  follower?: BlobFollower,
): Promise<Written> {
  let written: Written | undefined;
  await makeTree(
    job.maps,
    async (place) => {
      if (job.stop !== undefined) place.onInterrupt(job.stop);
      const unpack = follower === undefined ? unpackStored : unpackWhileDownloading(follower);
      written = conclude(place, packed, await unpack(place, packed, job));
      return name;
    },
    { parent: layersFolder(), tree: LAYER_TREE },
  );
  if (written === undefined) throw new Error('nothing was unpacked');
  return written;
}

type Unpack = (place: Workplace, packed: PackedLayer, job: UnpackJob) => Promise<UnpackReport>;

const unpackStored: Unpack = async (place, { layer }, job) => {
  const fd = openBlob(layer);
  job.position?.begin(fd);
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    const size = readSync(fd, start, 0, MAGIC_SIZE, 0);
    return await (await startFor(place, layer, job, start.subarray(0, size), fd)).report;
  } finally {
    job.position?.end(fd);
    closeSync(fd);
  }
};

function unpackWhileDownloading(follower: BlobFollower): Unpack {
  return async (place, { layer }, job) => {
    const pieces = follower.pieces();
    const { start, all } = await peek(pieces, MAGIC_SIZE);
    const unpacking = await startFor(place, layer, job, start);
    await feed(unpacking, all);
    return await unpacking.report;
  };
}

async function startFor(
  place: Workplace,
  layer: Descriptor,
  job: UnpackJob,
  start: Buffer,
  fd?: number,
): Promise<Unpacking> {
  const { startUnpacker } = await import('../../layers/unpack.js');
  try {
    const unpacking = startUnpacker(place.tree, compressionOf(start), { ...job, isLayer: true }, fd);
    const { kill, report } = unpacking;
    place.onInterrupt(kill);
    job.signal?.addEventListener('abort', kill);
    report.then(() => job.signal?.removeEventListener('abort', kill));
    return unpacking;
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw cannotUnpack(layer, error.message, error.advice);
  }
}

function conclude(place: Workplace, { layer, diffID }: PackedLayer, report: UnpackReport): Written {
  if ('error' in report) throw cannotUnpack(layer, report.error, report.advice);
  if (report.digest !== diffID) {
    throw cannotUnpack(
      layer,
      `its content is ${report.digest}, the image says ${diffID}`,
      'nothing of it was kept; do not trust this image',
    );
  }
  if (report.written.isOpaque) writeFileSync(join(place.folder, 'opaque'), '');
  writeFileSync(join(place.folder, 'size'), String(report.size));
  return report.written;
}

function cannotUnpack({ digest }: Descriptor, why: string, advice: string | undefined): FosterError {
  return new FosterError(
    `cannot unpack layer ${shortDigest(digest)}: ${why}`,
    advice === undefined ? {} : { advice },
  );
}

function openBlob({ digest }: Descriptor): number {
  try {
    return openSync(blobPath(digest), 'r');
  } catch (error) {
    throw new FosterError(`the image store lacks layer ${shortDigest(digest)}`, {
      advice: 'pull the image again',
      cause: error,
    });
  }
}
