import { existsSync } from 'node:fs';
import type { Written } from '../../layers/tree-writer.js';
import { forEachParallel } from '../../worker/parallel.js';
import { hasBlob } from '../store/blobs.js';
import { diffIDsOf, type LayeredImage, layerPath } from '../store/layers.js';
import {
  type LayerUnpacker,
  type PackedLayer,
  sumWritten,
  type UnpackOptions,
  unpackLayer,
  withLayerUnpacker,
} from '../store/unpack-layers.js';
import { BlobFollower } from './blob-follower.js';
import { downloadBlob } from './download.js';
import { summarize } from './progress.js';
import type { Registry } from './registry.js';
import { type ProgressOutput, startTransferDisplay, type Transfer } from './transfer-display.js';

export interface PullLayersOptions extends UnpackOptions {
  registry: Registry;
  progress: ProgressOutput | undefined;
  /** Aborted at the first failure: ends all requests to the registry. */
  abort: AbortController;
}

/** How many layers are downloaded at the same time. */
const PARALLEL_LAYERS = 3;

/**
 * Downloads the layers of an image into the store, and unpacks each meanwhile: downloading, decompressing, hashing and
 * writing run in parallel.
 * @throws FosterError; completed layers are kept
 */
export async function pullLayers(image: LayeredImage, options: PullLayersOptions): Promise<void> {
  const { progress, abort } = options;
  const packed = packedLayers(image);
  const display = await startTransferDisplay(progress, packed.length, {
    start: 'Pulling fs layer',
    active: 'Downloading',
  });
  const written: (Written | undefined)[] = [];
  try {
    const work = packed.map((one) => ({
      packed: one,
      transfer: display.add(one.layer.digest, one.layer.size),
    }));
    const pullAll = async (unpacker?: LayerUnpacker) => {
      const pull = async ({ packed, transfer }: LayerTransfer) => {
        written.push(await pullLayer(packed, transfer, options, unpacker));
      };
      await forEachParallel(work, PARALLEL_LAYERS, pull, abort);
    };
    const isAllThere = packed.every(({ diffID }) => existsSync(layerPath(diffID, options.maps)));
    if (isAllThere) await pullAll();
    else await withLayerUnpacker({ ...options, signal: abort.signal }, pullAll);
  } finally {
    display.stop();
  }
  if (progress !== undefined) summarize(sumWritten(written));
}

interface LayerTransfer {
  packed: PackedLayer;
  transfer: Transfer;
}

/** Each compressed layer once; several may have the same uncompressed content. */
function packedLayers(image: LayeredImage): PackedLayer[] {
  const diffIDs = diffIDsOf(image);
  const all = image.manifest.layers.map((layer, index) => ({ layer, diffID: diffIDs[index] as string }));
  return [...new Map(all.map((one) => [one.layer.digest, one])).values()];
}

/** @param unpacker undefined if all layers are unpacked already */
async function pullLayer(
  packed: PackedLayer,
  transfer: Transfer,
  options: PullLayersOptions,
  unpacker: LayerUnpacker | undefined,
): Promise<Written | undefined> {
  const { layer, diffID } = packed;
  const { registry, abort } = options;
  if (hasBlob(layer) && existsSync(layerPath(diffID, options.maps))) {
    transfer.end('Already exists');
    return undefined;
  }
  const follower = new BlobFollower((bytes) => transfer.update(bytes));
  const download = async () => {
    try {
      const isDownloaded = await downloadBlob(registry, layer, follower);
      transfer.setState('Extracting');
      return isDownloaded;
    } catch (error) {
      abort.abort(error); // immediately: this layer's unpacker may be waiting for another's
      throw error;
    }
  };
  const unpack = unpacker && unpackLayer(packed, unpacker, { follower });
  // Wait for both before reporting: a failed download ends the unpacker, which must have removed its tree.
  const [downloaded, unpacked] = await Promise.allSettled([download(), unpack]);
  follower.close();
  if (downloaded.status === 'rejected') throw downloaded.reason;
  if (unpacked.status === 'rejected') throw unpacked.reason;
  transfer.end(downloaded.value ? 'Pull complete' : 'Already exists');
  return unpacked.value;
}
