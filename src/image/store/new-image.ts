import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { putDocument } from './blobs.js';
import { keepUntaggedImage, type StoredImage, tagImage } from './images.js';
import {
  type Descriptor,
  type HistoryEntry,
  type ImageConfig,
  type Manifest,
  MEDIA,
  ownPlatform,
  type Platform,
} from './oci.js';
import { unpackLayers } from './unpack-layers.js';

/** An image to be made: a base, if any, with one more layer. */
export interface NewImage {
  base: Pick<StoredImage, 'manifest' | 'config'> | undefined;
  /** That of the base, or else this machine's, where nothing is said. */
  platform?: Platform;
  /** The descriptor of a blob in the store, and the digest of its uncompressed content. */
  layer: { descriptor: Descriptor; diffID: string };
  defaults: ImageDefaults;
  history: HistoryEntry;
  author?: string | undefined;
  /** Full name. */
  name: string | undefined;
}

/**
 * Creates an image in the store, unpacks and names it.
 * @returns the digest of its config: its ID
 * @throws FosterError if the layer is invalid; no image is created then
 */
export async function makeImage({ base, layer, ...wanted }: NewImage): Promise<string> {
  const { defaults, history, author, name } = wanted;
  const platform = wanted.platform ?? base?.config ?? ownPlatform();
  const config: ImageConfig = {
    ...(history.created !== undefined && { created: history.created }),
    ...(author !== undefined && { author }),
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    config: defaults,
    rootfs: { type: 'layers', diff_ids: [...(base?.config.rootfs.diff_ids ?? []), layer.diffID] },
    history: [...(base?.config.history ?? []), history],
  };
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: putDocument(config, MEDIA.config),
    layers: [...(base?.manifest.layers ?? []), layer.descriptor],
  };
  const maps = defaultIdMaps();
  await unpackLayers({ manifest: document, config }, { maps, ...(name !== undefined && { title: name }) });
  const descriptor = putDocument(document, MEDIA.manifest);
  if (name === undefined) await keepUntaggedImage(descriptor);
  else await tagImage(name, descriptor);
  return document.config.digest;
}
