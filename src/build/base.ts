import { recordImageEvent } from '../container/events/recorder.js';
import { imageRoot } from '../image/rootfs/image-root.js';
import { findRecipe } from '../image/rootfs/recipe.js';
import { prepareRoot } from '../image/rootfs/root.js';
import type { RootOptions } from '../image/rootfs/root-tree.js';
import { putDocument } from '../image/store/blobs.js';
import { findImage, type StoredImage, tagImage } from '../image/store/images.js';
import { findUnpackedLayers } from '../image/store/layers.js';
import { type ImageConfig, type Manifest, MEDIA, type Platform } from '../image/store/oci.js';
import { formatReference, parseReference } from '../image/store/reference.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import { FosterError } from '../sys/errors.js';
import { type BuildConfig, DEFAULT_SHELL, type StageState } from './dockerfile/state.js';
import { treeLayer } from './steps/squash.js';

/** `FROM localhost/foster/NAME`: an image of the root filesystem that foster builds from that recipe. */
const RECIPE = /^localhost\/foster\/([a-z]+)$/;

export interface BaseOptions extends Pick<RootOptions, 'access' | 'isQuiet'> {
  maps: ChosenMaps;
  pull: NonNullable<RootOptions['pull']>;
  platform: Platform;
}

/** The image of a FROM, pulled and unpacked if necessary. @throws FosterError */
export async function baseState(name: string, options: BaseOptions): Promise<StageState> {
  return stateOf((await recipeImage(name, options)) ?? (await storedImage(name, options)));
}

/** An image as the beginning of a stage. */
export function stateOf(image: StoredImage): StageState {
  const config: BuildConfig = { ...image.config.config };
  return {
    platform: platformOf(image.config),
    config,
    author: image.config.author,
    layers: image.config.rootfs.diff_ids.flatMap((diffID, index) => {
      const descriptor = image.manifest.layers[index];
      return descriptor === undefined ? [] : [{ diffID, descriptor }];
    }),
    history: image.config.history ?? [],
    args: new Map(),
    shell: config.Shell ?? DEFAULT_SHELL,
    hasOwnCommand: false,
  };
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

async function storedImage(
  name: string,
  { maps, pull, platform, ...rest }: BaseOptions,
): Promise<StoredImage> {
  const tree = await imageRoot(name, {
    ...rest,
    maps,
    pull,
    platform: `${platform.os}/${platform.architecture}`,
  });
  const image = findImage(tree.image?.digest ?? name);
  if (image === undefined)
    throw new FosterError(`no such image: ${name}`, { kind: 'not-found', exitCode: 1 });
  if (tree.isPulled) recordImageEvent('pull', image.id, tree.image?.name);
  return image;
}

async function recipeImage(
  name: string,
  { maps, pull, platform }: BaseOptions,
): Promise<StoredImage | undefined> {
  const recipe = RECIPE.exec(name)?.[1];
  if (recipe === undefined || (await findRecipe(recipe)) === undefined) return undefined;
  const stored = findImage(name);
  if (stored !== undefined && pull !== 'always') {
    if (findUnpackedLayers(stored.config.rootfs.diff_ids, maps) === undefined)
      await imageRoot(name, { maps, pull: 'never' });
    return stored;
  }
  const { path } = await prepareRoot(recipe, { maps });
  const layer = await treeLayer([path], { maps, timestamp: 0 });
  // no time of creation: the same files give the same digest
  const config: ImageConfig = {
    ...platform,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['/bin/sh'],
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [layer.diffID] },
    history: [{ created_by: `foster: the recipe ${recipe}` }],
  };
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: putDocument(config, MEDIA.config),
    layers: [layer.descriptor],
  };
  await tagImage(formatReference(parseReference(name)), putDocument(manifest, MEDIA.manifest));
  return findImage(name);
}
