import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Written } from '../../layers/tree-writer.js';
import type { Unpacker } from '../../layers/unpack.js';
import type { UnpackReport } from '../../layers/unpack-protocol.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { type Compression, compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { stopIfInterrupted } from '../../worker/interrupt.js';
import { readPosition } from '../registry/progress.js';
import { moveInto, removeTree, withLock, withTemporaryFolder } from '../rootfs/cache.js';
import type { BlobFollower } from './blob-follower.js';
import { blobPath } from './blobs.js';
import { LAYER_TREE, layerName, layerPath, layersFolder, shortDigest } from './layers.js';
import type { Descriptor } from './oci.js';

export interface UnpackOptions {
  /** Id maps of the container, whose ids own the files. */
  maps: IdMaps;
  /** Limit for the size of each uncompressed layer, in bytes. No limit by default. */
  maxUnpackedSize?: number;
}

/** A layer as it is stored, and the digest of its uncompressed content. */
export interface PackedLayer {
  layer: Descriptor;
  diffID: string;
}

/** The sum of the positions in all files that are being read. */
export class Position {
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

/** Unpacks layers with one process, each in a folder of its own, which is moved into the store when it is complete. */
export interface LayerUnpacker {
  readonly options: UnpackOptions & { signal: AbortSignal };
  readonly process: Unpacker;
  /** A new folder with an empty tree; `name` is its name in the process's folder. */
  makePlace(): { name: string; folder: string };
}

/**
 * Gives `use` a process for layers, which ends afterwards.
 * @param options.signal its abort kills the process
 */
export async function withLayerUnpacker<T>(
  options: UnpackOptions & { signal: AbortSignal },
  use: (unpacker: LayerUnpacker) => Promise<T>,
): Promise<T> {
  const { maps, signal } = options;
  mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
  const { Unpacker } = await import('../../layers/unpack.js');
  return await withTemporaryFolder(maps, async (parent, onInterrupt) => {
    const process = new Unpacker(parent, maps);
    const kill = () => process.kill();
    onInterrupt(kill);
    signal.addEventListener('abort', kill);
    let count = 0;
    const makePlace = () => {
      const name = String(count++);
      const folder = join(parent, name);
      mkdirSync(folder, { mode: 0o700 });
      mkdirSync(join(folder, LAYER_TREE));
      chmodSync(join(folder, LAYER_TREE), 0o755); // regardless of the umask
      return { name, folder };
    };
    try {
      return await use({ options, process, makePlace });
    } finally {
      signal.removeEventListener('abort', kill);
      kill();
    }
  });
}

/** How the blob of a layer comes. */
export interface LayerSource {
  /** Counts what is read of a blob in the store. */
  position?: Position;
  /** Follows one that is coming into the store: it is unpacked as it comes. */
  follower?: BlobFollower;
}

/**
 * Unpacks a layer, unless that has been done. Its blob is in the store, or is being downloaded.
 * @returns undefined if there was nothing to do
 * @throws FosterError; nothing of it is kept then
 */
export async function unpackLayer(
  packed: PackedLayer,
  unpacker: LayerUnpacker,
  { position, follower }: LayerSource = {},
): Promise<Written | undefined> {
  const { maps, signal } = unpacker.options;
  const name = layerName(packed.diffID, maps);
  // Before taking the lock, so that it is not held while waiting for another process's download.
  const isComing = follower !== undefined && (await follower.hasStarted());
  const unpackStored = () =>
    unpackIntoStore(packed, unpacker, (tree) => unpackBlob(packed.layer, unpacker, tree, position));
  const work = async () => {
    if (existsSync(layerPath(packed.diffID, maps))) return undefined; // another process was faster
    if (!isComing) return await unpackStored();
    try {
      return await unpackIntoStore(packed, unpacker, (tree) =>
        unpackComing(packed, unpacker, tree, follower, position),
      );
    } catch (error) {
      // The unpacker's input was not verified yet: if its digest is wrong, the error of the download counts.
      await follower.waitUntilFinished();
      if (follower.isOneDownload) throw error;
      return await unpackStored();
    }
  };
  return (await withLock(`layer-${name}`, work, signal))?.written;
}

/**
 * Unpacks a layer whose uncompressed digest is not known yet. Its blob is in the store.
 * @returns that digest
 * @throws FosterError; nothing of it is kept then
 */
export async function unpackNewLayer(
  layer: Descriptor,
  unpacker: LayerUnpacker,
  { position }: Pick<LayerSource, 'position'> = {},
): Promise<Unpacked> {
  return await unpackIntoStore({ layer }, unpacker, (tree) => unpackBlob(layer, unpacker, tree, position));
}

/** A layer that is in the store. */
export interface Unpacked {
  diffID: string;
  written: Written;
}

/** @param unpack unpacks to the tree of that name */
async function unpackIntoStore(
  packed: { layer: Descriptor; diffID?: string },
  unpacker: LayerUnpacker,
  unpack: (tree: string) => Promise<UnpackReport>,
): Promise<Unpacked> {
  const { maps } = unpacker.options;
  const { name, folder } = unpacker.makePlace();
  try {
    const unpacked = conclude(folder, packed, await unpack(join(name, LAYER_TREE)));
    await moveInto(folder, join(layersFolder(), layerName(unpacked.diffID, maps)), maps);
    return unpacked;
  } catch (error) {
    await stopIfInterrupted();
    await removeTree(folder, maps);
    throw error;
  }
}

/** Unpacks a blob of the store. */
async function unpackBlob(
  layer: Descriptor,
  unpacker: LayerUnpacker,
  tree: string,
  position: Position | undefined,
): Promise<UnpackReport> {
  const { startUnpacking } = await import('../../layers/unpack.js');
  const fd = openBlob(layer);
  position?.begin(fd);
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    const compression = compressionOfLayer(layer, start.subarray(0, readSync(fd, start, 0, MAGIC_SIZE, 0)));
    const options = { ...unpacker.options, isLayer: true };
    const unpacking = startUnpacking(unpacker.process, tree, compression, options, fd);
    unpacker.options.signal.addEventListener('abort', unpacking.kill, { once: true });
    return await unpacking.report;
  } finally {
    position?.end(fd);
    closeSync(fd);
  }
}

/** Unpacks a blob that is coming into the store. */
async function unpackComing(
  packed: PackedLayer,
  unpacker: LayerUnpacker,
  tree: string,
  follower: BlobFollower,
  position: Position | undefined,
): Promise<UnpackReport> {
  const { needsZstdProgram } = await import('../../layers/zstd-program.js');
  await follower.isLongerThan(MAGIC_SIZE - 1);
  const compression = compressionOfLayer(packed.layer, follower.readStart(MAGIC_SIZE));
  if (compression === 'zstd' && needsZstdProgram()) {
    await follower.waitUntilFinished();
    return await unpackBlob(packed.layer, unpacker, tree, position);
  }
  const options = { ...unpacker.options, isLayer: true };
  const fd = follower.file;
  position?.begin(fd);
  try {
    return await unpacker.process.unpack(tree, compression, fd, options, follower);
  } finally {
    position?.end(fd);
  }
}

function compressionOfLayer(layer: Descriptor, start: Buffer): Compression {
  try {
    return compressionOf(start);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw cannotUnpack(layer, error.message, error.advice);
  }
}

/** Checks a report, and notes beside the tree what is to be known about it. */
function conclude(
  folder: string,
  { layer, diffID }: { layer: Descriptor; diffID?: string },
  report: UnpackReport,
): Unpacked {
  if ('error' in report) throw cannotUnpack(layer, report.error, report.advice);
  const { digest, written, size } = report;
  if (digest === undefined || (diffID !== undefined && digest !== diffID)) {
    throw cannotUnpack(
      layer,
      `its content has the digest ${digest} instead of ${diffID}`,
      'nothing was kept; do not trust this image',
    );
  }
  if (written.isOpaque) writeFileSync(join(folder, 'opaque'), '');
  writeFileSync(join(folder, 'size'), String(size));
  return { diffID: digest, written };
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
