import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { dataFolder } from '../../sys/paths.js';
import { mapsKey } from '../rootfs/cache.js';
import type { ImageConfig, Manifest } from './oci.js';

/**
 * Unpacked layers: `layers/HEX-MAPS/diff`, where HEX is the digest of the uncompressed layer and MAPS stands for the id
 * maps of its owners. If the folder has a file `opaque`, the layer hides all layers below.
 */
export function layersFolder(): string {
  return join(dataFolder(), 'layers');
}

/** Name of the tree in a layer's folder. */
export const LAYER_TREE = 'diff';

/** The parts of an image that say how it is unpacked. */
export interface LayeredImage {
  manifest: Pick<Manifest, 'layers'>;
  config: Pick<ImageConfig, 'rootfs'>;
}

/**
 * The unpacked layers of an image, topmost first; undefined if one is missing. A layer that occurs several times is
 * listed once, because the kernel accepts no duplicates: the upper one has all that the lower one has.
 */
export function findUnpackedLayers(diffIDs: string[], maps: IdMaps): string[] | undefined {
  const stack: string[] = [];
  for (const diffID of [...new Set(diffIDs.toReversed())]) {
    const path = layerPath(diffID, maps);
    if (!existsSync(path)) return undefined;
    stack.push(path);
    if (existsSync(opaqueMarker(path))) break;
  }
  return stack.length === 0 ? [emptyLayer()] : stack;
}

/** For an image without layers. */
function emptyLayer(): string {
  const path = join(layersFolder(), 'empty', LAYER_TREE);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

function opaqueMarker(path: string): string {
  return join(path, '..', 'opaque');
}

/** The path of the unpacked layer, whether it exists or not. */
export function layerPath(diffID: string, maps: IdMaps): string {
  return join(layersFolder(), layerName(diffID, maps), LAYER_TREE);
}

/** The name of the layer's folder. */
export function layerName(diffID: string, maps: IdMaps): string {
  return `${diffID.slice('sha256:'.length)}-${mapsKey(maps)}`;
}

/**
 * The digests of the image's uncompressed layers, bottommost first.
 * @throws FosterError if they are invalid or do not match the manifest
 */
export function diffIDsOf({ manifest, config }: LayeredImage): string[] {
  const ids: unknown = config.rootfs?.diff_ids ?? [];
  const isList = Array.isArray(ids) && ids.every((id) => /^sha256:[0-9a-f]{64}$/.test(String(id)));
  if (!isList) throw new FosterError('the config of the image has no valid list of layer digests');
  if (ids.length !== manifest.layers.length) {
    throw new FosterError(
      `the image is invalid: its config lists ${ids.length} layers, its manifest ${manifest.layers.length}`,
    );
  }
  return ids as string[];
}

/** Size of the uncompressed layer in bytes, if it is unpacked for any maps. */
export function unpackedSize(diffID: string): number | undefined {
  const name = layerNames().find((each) => each.startsWith(`${diffID.slice('sha256:'.length)}-`));
  if (name === undefined) return undefined;
  try {
    return Number(readFileSync(join(layersFolder(), name, 'size'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Folder names of all unpacked layers, whatever their maps. */
export function layerNames(): string[] {
  try {
    return readdirSync(layersFolder());
  } catch {
    return []; // none has been unpacked yet
  }
}

/** The first 12 hexadecimal digits, as shown to users. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
