import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { dataFolder } from '../../sys/paths.js';
import { mapsKey } from '../rootfs/cache.js';
import type { ImageConfig, Manifest } from './oci.js';

/**
 * Unpacked layers: `layers/HEX-MAPS/diff`, HEX being the digest of the uncompressed layer, MAPS the id maps that its
 * files are owned by. One whose folder has a file `opaque` hides all layers below.
 */
export function layersFolder(): string {
  return join(dataFolder(), 'layers');
}

/** What the tree in a layer's folder is called. */
export const LAYER_TREE = 'diff';

/** What of an image says how it is unpacked. */
export interface LayeredImage {
  manifest: Pick<Manifest, 'layers'>;
  config: Pick<ImageConfig, 'rootfs'>;
}

/**
 * The layers of an image that is unpacked already, the uppermost first; undefined where one is missing. A layer that
 * occurs several times is there once, since the kernel takes none twice: what the lower one has, the upper one has too.
 */
export function stackOf(diffIDs: string[], maps: IdMaps): string[] | undefined {
  const stack: string[] = [];
  for (const diffID of [...new Set(diffIDs.toReversed())]) {
    const path = layerPath(diffID, maps);
    if (!existsSync(path)) return undefined;
    stack.push(path);
    if (existsSync(opaqueMark(path))) break;
  }
  return stack.length === 0 ? [emptyLayer()] : stack;
}

/** Of an image without layers. */
function emptyLayer(): string {
  const path = join(layersFolder(), 'empty', LAYER_TREE);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

function opaqueMark(path: string): string {
  return join(path, '..', 'opaque');
}

/** Where the unpacked layer is, or would be. */
export function layerPath(diffID: string, maps: IdMaps): string {
  return join(layersFolder(), layerName(diffID, maps), LAYER_TREE);
}

/** What the layer's folder is called. */
export function layerName(diffID: string, maps: IdMaps): string {
  return `${diffID.slice('sha256:'.length)}-${mapsKey(maps)}`;
}

/**
 * The digests of the image's uncompressed layers, the lowest first.
 * @throws FosterError where they are none, or do not fit the manifest
 */
export function diffIDsOf({ manifest, config }: LayeredImage): string[] {
  const ids: unknown = config.rootfs?.diff_ids ?? [];
  const isList = Array.isArray(ids) && ids.every((id) => /^sha256:[0-9a-f]{64}$/.test(String(id)));
  if (!isList) throw new FosterError('the config of the image has no valid digests of its layers');
  if (ids.length !== manifest.layers.length) {
    throw new FosterError(
      `the image is broken: its config lists ${ids.length} layers, its manifest ${manifest.layers.length}`,
    );
  }
  return ids as string[];
}

/** Bytes of the uncompressed layer, if it is unpacked for whatever maps. */
export function unpackedSize(diffID: string): number | undefined {
  const name = layerNames().find((each) => each.startsWith(`${diffID.slice('sha256:'.length)}-`));
  if (name === undefined) return undefined;
  try {
    return Number(readFileSync(join(layersFolder(), name, 'size'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Folders of all unpacked layers, whatever their maps. */
export function layerNames(): string[] {
  try {
    return readdirSync(layersFolder());
  } catch {
    return []; // none was ever unpacked
  }
}

/** The 12 digits that people see. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
