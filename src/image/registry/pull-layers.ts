import { existsSync } from 'node:fs';
import type { Written } from '../../layers/tree-writer.js';
import { forEachParallel } from '../../worker/parallel.js';
import { hasBlob } from '../store/blobs.js';
import { fetchLayer } from '../store/fetch-layer.js';
import { diffIDsOf, type LayeredImage, layerPath } from '../store/layers.js';
import {
  type LayerUnpacker,
  type PackedLayer,
  type UnpackOptions,
  withLayerUnpacker,
} from '../store/unpack-layer.js';
import { sumWritten } from '../store/unpack-layers.js';
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
    const work = packed.flatMap((one) => {
      const { layer, diffID } = one;
      const isThere = hasBlob(layer) && existsSync(layerPath(diffID, options.maps));
      const transfer = display.add(layer.digest, layer.size, isThere ? 'Already exists' : undefined);
      return isThere ? [] : [{ packed: one, transfer }];
    });
    const pullAll = async (unpacker?: LayerUnpacker) => {
      const pull = async ({ packed, transfer }: LayerTransfer) => {
        written.push(await pullLayer(packed, transfer, options, unpacker));
      };
      await forEachParallel(work, PARALLEL_LAYERS, pull, abort);
    };
    const isUnpacked = work.every(({ packed }) => existsSync(layerPath(packed.diffID, options.maps)));
    if (isUnpacked) await pullAll();
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
  const { registry, abort } = options;
  let isDownloaded = false;
  const written = await fetchLayer(packed, unpacker, {
    abort,
    fetch: async (blob, follower) => {
      isDownloaded = await downloadBlob(registry, blob, follower);
      transfer.setState('Extracting');
    },
    onProgress: (bytes) => transfer.update(bytes),
  });
  transfer.end(isDownloaded ? 'Pull complete' : 'Already exists');
  return written;
}
