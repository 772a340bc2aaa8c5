import { existsSync } from 'node:fs';
import type { Written } from '../../layers/tree-writer.js';
import { onInterrupt } from '../../worker/interrupt.js';
import { forEachParallel } from '../../worker/parallel.js';
import { startProgress } from '../registry/progress.js';
import { type FetchBlob, fetchLayer } from './fetch-layer.js';
import { diffIDsOf, findUnpackedLayers, type LayeredImage, layerPath } from './layers.js';
import type { Descriptor } from './oci.js';
import {
  type LayerUnpacker,
  type PackedLayer,
  Position,
  type UnpackOptions,
  unpackLayer,
  unpackNewLayer,
  withLayerUnpacker,
} from './unpack-layer.js';

/** How many layers are unpacked at the same time. */
const PARALLEL_LAYERS = 2;

/**
 * The image's unpacked layers. Unpacks those that are missing.
 * @param options.title title of the progress bar
 * @param options.fetch brings the blobs of missing layers into the store; by default they must be there
 * @returns absolute paths, topmost first
 * @throws FosterError; completed layers are kept, of the others nothing is
 */
export async function unpackLayers(
  image: LayeredImage,
  options: UnpackOptions & { title?: string; fetch?: FetchBlob },
): Promise<string[]> {
  const diffIDs = diffIDsOf(image);
  const waiting = distinctLayers(image).filter(({ diffID }) => !existsSync(layerPath(diffID, options.maps)));
  if (waiting.length > 0) await unpackMissing(waiting, options);
  return findUnpackedLayers(diffIDs, options.maps) ?? [];
}

async function unpackMissing(
  waiting: PackedLayer[],
  options: UnpackOptions & { title?: string; fetch?: FetchBlob },
): Promise<void> {
  const { fetch } = options;
  const total = waiting.reduce((sum, { layer }) => sum + layer.size, 0);
  const written: (Written | undefined)[] = [];
  await withUnpacker(options, total, async ({ unpacker, position, abort }) => {
    const unpack = async (packed: PackedLayer) => {
      const unpacking = fetch
        ? fetchLayer(packed, unpacker, { fetch, abort, position })
        : unpackLayer(packed, unpacker, { position });
      written.push(await unpacking);
    };
    await forEachParallel(waiting, PARALLEL_LAYERS, unpack, abort);
    return sumWritten(written);
  });
}

/**
 * Unpacks a layer that is in the store, and whose uncompressed digest is not known yet.
 * @param options.title title of the progress bar
 * @returns that digest, and the absolute path of the tree
 * @throws FosterError; nothing of it is kept then
 */
export async function unpackNew(
  layer: Descriptor,
  options: UnpackOptions & { title?: string },
): Promise<{ diffID: string; tree: string }> {
  let diffID = '';
  await withUnpacker(options, layer.size, async ({ unpacker, position }) => {
    const unpacked = await unpackNewLayer(layer, unpacker, { position });
    diffID = unpacked.diffID;
    return unpacked.written;
  });
  return { diffID, tree: layerPath(diffID, options.maps) };
}

interface Unpacking {
  unpacker: LayerUnpacker;
  /** Drives the progress bar. */
  position: Position;
  abort: AbortController;
}

/**
 * Calls `use` with an unpacker, while a progress bar is shown, and warns of what was left out.
 * @param total size of all archives in bytes
 */
async function withUnpacker(
  options: UnpackOptions & { title?: string },
  total: number,
  use: (unpacking: Unpacking) => Promise<Written>,
): Promise<void> {
  const position = new Position();
  const progress = await startProgress(options.title ?? 'unpacking', total, () => position.now());
  const abort = new AbortController();
  const stopListening = onInterrupt(() => progress.stop());
  let written: Written;
  try {
    const { signal } = abort;
    written = await withLayerUnpacker({ ...options, signal }, (unpacker) =>
      use({ unpacker, position, abort }),
    );
  } finally {
    stopListening();
    progress.stop();
  }
  progress.summarize(written);
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
