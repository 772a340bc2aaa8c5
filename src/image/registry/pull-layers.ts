import { existsSync } from 'node:fs';
import type { Written } from '../../layers/writer.js';
import { forEachParallel } from '../../worker/parallel.js';
import { hasBlob } from '../store/blobs.js';
import { diffIDsOf, type LayeredImage, layerPath } from '../store/layers.js';
import { type PackedLayer, sumOf, type UnpackOptions, unpackLayer } from '../store/unpack-layers.js';
import { BlobFollower } from './blob-follower.js';
import { downloadBlob } from './download.js';
import { summarize } from './progress.js';
import { type ProgressOutput, startTransferDisplay, type Transfer } from './progress-layers.js';
import type { Registry } from './registry.js';

export interface PullLayersOptions extends UnpackOptions {
  registry: Registry;
  tell: ProgressOutput | undefined;
  /** Called at the first failure: ends all requests of the registry. */
  abort: AbortController;
}

/** So many layers come at a time. */
const AT_ONCE = 3;

/**
 * Brings the layers of an image into the store, and unpacks each while it comes: downloading, uncompressing, hashing and
 * writing go on side by side.
 * @throws FosterError; layers that were finished stay
 */
export async function pullLayers(image: LayeredImage, options: PullLayersOptions): Promise<void> {
  const { tell, abort } = options;
  const packed = packedLayers(image);
  const board = await startTransferDisplay(tell, packed.length, {
    start: 'Pulling fs layer',
    active: 'Downloading',
  });
  const written: (Written | undefined)[] = [];
  try {
    const work = packed.map((one) => ({
      packed: one,
      transfer: board.add(one.layer.digest, one.layer.size),
    }));
    await forEachParallel(
      work,
      AT_ONCE,
      async ({ packed, transfer }) => {
        written.push(await pullLayer(packed, transfer, options));
      },
      abort,
    );
  } finally {
    board.stop();
  }
  if (tell !== undefined) summarize(sumOf(written));
}

/** By their digests: several compressed layers may be the same uncompressed one. */
function packedLayers(image: LayeredImage): PackedLayer[] {
  const diffIDs = diffIDsOf(image);
  const all = image.manifest.layers.map((layer, index) => ({ layer, diffID: diffIDs[index] as string }));
  return [...new Map(all.map((one) => [one.layer.digest, one])).values()];
}

async function pullLayer(
  packed: PackedLayer,
  transfer: Transfer,
  options: PullLayersOptions,
): Promise<Written | undefined> {
  const { layer, diffID } = packed;
  const { registry, abort } = options;
  if (hasBlob(layer) && existsSync(layerPath(diffID, options.maps))) {
    transfer.end('Already exists');
    return undefined;
  }
  const follower = new BlobFollower((bytes) => transfer.at(bytes));
  const download = async () => {
    try {
      const isDownloaded = await downloadBlob(registry, layer, follower);
      transfer.now('Extracting');
      return isDownloaded;
    } catch (error) {
      abort.abort(error); // at once: the unpacker of this layer may be waiting for that of another
      throw error;
    }
  };
  const unpack = unpackLayer(packed, { ...options, signal: abort.signal }, follower);
  // Both are over before anything is told: a failed download ends the unpacker, whose tree must be gone.
  const [downloaded, unpacked] = await Promise.allSettled([download(), unpack]);
  follower.close();
  if (downloaded.status === 'rejected') throw downloaded.reason;
  if (unpacked.status === 'rejected') throw unpacked.reason;
  transfer.end(downloaded.value ? 'Pull complete' : 'Already exists');
  return unpacked.value;
}
