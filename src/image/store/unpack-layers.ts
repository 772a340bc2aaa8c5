import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feed } from '../../layers/feed.js';
import type { Written } from '../../layers/tree-writer.js';
import type { Unpacking } from '../../layers/unpack.js';
import type { UnpackReport } from '../../layers/unpack-protocol.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { peek } from '../../tar/peek.js';
import { forEachParallel } from '../../worker/parallel.js';
import type { BlobFollower } from '../registry/blob-follower.js';
import { readPosition, startProgress } from '../registry/progress.js';
import { makeTree, type Workspace, withLock } from '../rootfs/cache.js';
import { blobPath } from './blobs.js';
import {
  diffIDsOf,
  findUnpackedLayers,
  LAYER_TREE,
  type LayeredImage,
  layerName,
  layerPath,
  layersFolder,
  shortDigest,
} from './layers.js';
import type { Descriptor } from './oci.js';

export interface UnpackOptions {
  /** Id maps of the container, whose ids own the files. */
  maps: IdMaps;
  /** Limit for the size of each uncompressed layer, in bytes. No limit by default. */
  maxUnpackedSize?: number;
}

/** How many layers are unpacked at the same time. */
const PARALLEL_LAYERS = 2;

/**
 * The image's unpacked layers. Unpacks those that are missing; their blobs must be in the store.
 * @param options.title title of the progress bar
 * @returns absolute paths, topmost first
 * @throws FosterError; completed layers are kept, of the others nothing does
 */
export async function unpackLayers(
  image: LayeredImage,
  options: UnpackOptions & { title?: string },
): Promise<string[]> {
  const diffIDs = diffIDsOf(image);
  const waiting = distinctLayers(image).filter(({ diffID }) => !existsSync(layerPath(diffID, options.maps)));
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
    await forEachParallel(waiting, PARALLEL_LAYERS, unpack, abort);
  } finally {
    progress?.stop();
  }
  progress?.summarize(sumWritten(written));
  return findUnpackedLayers(diffIDs, options.maps) ?? [];
}

/** A layer as it is stored, and the digest of its uncompressed content. */
export interface PackedLayer {
  layer: Descriptor;
  diffID: string;
}

/** The distinct layers of an image, bottommost first. @throws FosterError if its config does not match its manifest */
export function distinctLayers(image: LayeredImage): PackedLayer[] {
  const { layers } = image.manifest;
  const pairs = diffIDsOf(image).map((diffID, index) => [diffID, layers[index] as Descriptor] as const);
  return [...new Map(pairs)].map(([diffID, layer]) => ({ diffID, layer }));
}

/** The results of several archives, added up. */
export function sumWritten(parts: (Written | undefined)[]): Written {
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

/** The sum of the positions in all files that are being read. */
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
    return [...this.#open].reduce((sum, fd) => sum + readPosition(fd), this.#done);
  }
}

interface UnpackJob extends UnpackOptions {
  position?: Position;
  /** Removes the progress bar. */
  stop?(): void;
  /** Aborts it. */
  signal?: AbortSignal;
}

/**
 * Unpacks a layer, unless that has been done. Its blob is in the store, or is being downloaded: then it is unpacked as
 * it arrives.
 * @returns undefined if there was nothing to do
 * @throws FosterError; nothing of it is kept then
 */
export async function unpackLayer(
  packed: PackedLayer,
  job: UnpackJob,
  follower?: BlobFollower,
): Promise<Written | undefined> {
  const { diffID } = packed;
  const name = layerName(diffID, job.maps);
  // Before taking the lock, so that it is not held while waiting for another process's download.
  const isDownloading = follower !== undefined && (await follower.hasStarted());
  const work = async () => {
    if (existsSync(layerPath(diffID, job.maps))) return undefined; // another process was faster
    mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
    if (!isDownloading) return await unpackIntoStore(name, packed, job);
    try {
      return await unpackIntoStore(name, packed, job, follower);
    } catch (error) {
      // The unpacker's input was not verified yet: if its digest is wrong, the error of the download counts.
      await follower.waitUntilFinished();
      if (follower.isOneDownload) throw error;
      return await unpackIntoStore(name, packed, job);
    }
  };
  return await withLock(`layer-${name}`, work, job.signal);
}

async function unpackIntoStore(
  name: string,
  packed: PackedLayer,
  job: UnpackJob,
  follower?: BlobFollower,
): Promise<Written> {
  let written: Written | undefined;
  await makeTree(
    job.maps,
    async (workspace) => {
      if (job.stop !== undefined) workspace.onInterrupt(job.stop);
      const unpack = follower === undefined ? unpackStored : unpackWhileDownloading(follower);
      written = conclude(workspace, packed, await unpack(workspace, packed, job));
      return name;
    },
    { parent: layersFolder(), tree: LAYER_TREE },
  );
  if (written === undefined) throw new Error('nothing was unpacked');
  return written;
}

type Unpack = (workspace: Workspace, packed: PackedLayer, job: UnpackJob) => Promise<UnpackReport>;

const unpackStored: Unpack = async (workspace, { layer }, job) => {
  const fd = openBlob(layer);
  job.position?.begin(fd);
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    const size = readSync(fd, start, 0, MAGIC_SIZE, 0);
    return await (await startFor(workspace, layer, job, start.subarray(0, size), fd)).report;
  } finally {
    job.position?.end(fd);
    closeSync(fd);
  }
};

function unpackWhileDownloading(follower: BlobFollower): Unpack {
  return async (workspace, { layer }, job) => {
    const pieces = follower.pieces();
    const { start, all } = await peek(pieces, MAGIC_SIZE);
    const unpacking = await startFor(workspace, layer, job, start);
    await feed(unpacking, all);
    return await unpacking.report;
  };
}

async function startFor(
  workspace: Workspace,
  layer: Descriptor,
  job: UnpackJob,
  start: Buffer,
  fd?: number,
): Promise<Unpacking> {
  const { startUnpacker } = await import('../../layers/unpack.js');
  try {
    const unpacking = startUnpacker(workspace.tree, compressionOf(start), { ...job, isLayer: true }, fd);
    const { kill, report } = unpacking;
    workspace.onInterrupt(kill);
    job.signal?.addEventListener('abort', kill);
    report.then(() => job.signal?.removeEventListener('abort', kill));
    return unpacking;
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw cannotUnpack(layer, error.message, error.advice);
  }
}

function conclude(workspace: Workspace, { layer, diffID }: PackedLayer, report: UnpackReport): Written {
  if ('error' in report) throw cannotUnpack(layer, report.error, report.advice);
  if (report.digest !== diffID) {
    throw cannotUnpack(
      layer,
      `its content has the digest ${report.digest} instead of ${diffID}`,
      'nothing was kept; do not trust this image',
    );
  }
  if (report.written.isOpaque) writeFileSync(join(workspace.folder, 'opaque'), '');
  writeFileSync(join(workspace.folder, 'size'), String(report.size));
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
