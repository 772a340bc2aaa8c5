import type { ImageAction } from '../container/events/line.js';
import type { RemovedImage } from '../container/remove-image.js';
import type { LoadedImage } from '../image/archive/load.js';
import { SAVE_FORMATS, type SaveFormat } from '../image/archive/save-formats.js';
import type { RegistryAccess } from '../image/registry/registry.js';
import type { ProgressOutput } from '../image/registry/transfer-display.js';
import type { ManifestFormat } from '../image/store/manifest-format.js';
import type { RunRequest } from '../spec/request.js';
import type { ImageInfo } from './types.js';
import type { HistoryRow } from './views/image-history.js';
import type { ImageLayers } from './views/image-layers.js';
import type { ImageOrder } from './views/image-orders.js';
import type { ImageRow } from './views/image-row.js';
import type { SearchRow } from './views/search.js';

/**
 * Operations on images. An image is given by a name, its id or an unambiguous prefix of its id. Each function imports
 * what it needs when it is called.
 */

export {
  type LoadedImage,
  type ProgressOutput,
  type RegistryAccess,
  type RemovedImage,
  SAVE_FORMATS,
  type SaveFormat,
};

/** A name with its registry and its tag or digest: `docker.io/library/alpine:latest`. @throws FosterError */
export async function fullName(name: string): Promise<string> {
  const { formatReference, parseReference } = await import('../image/store/reference.js');
  return formatReference(parseReference(name));
}

/** The short form of a full name: `alpine:latest`. @throws FosterError */
export async function familiarName(name: string): Promise<string> {
  const { familiarReference } = await import('../image/store/reference.js');
  return familiarReference(name);
}

/** When `pull` asks the registry: always, if the image is missing, if there is a newer one, or never. */
export type PullPolicy = RunRequest['pull'];

export interface TransferRequest extends RegistryAccess {
  /** `OS/ARCHITECTURE[/VARIANT]`. A pull takes this machine's by default, a push any. */
  platform?: string | undefined;
  /** Receives the progress of each layer; undefined for no progress. */
  progress: ProgressOutput | undefined;
}

/**
 * Downloads an image. An interrupted download continues.
 * @throws FosterError of the kind `not-found` or `denied` if the registry says so
 */
export async function pull(
  name: string,
  { progress, policy = 'always', ...options }: TransferRequest & { policy?: PullPolicy },
): Promise<ImageInfo> {
  const { parseReference } = await import('../image/store/reference.js');
  const { pullImage } = await import('../image/registry/pull.js');
  const { imageInfo } = await import('./views/image-info.js');
  if (policy === 'missing' || policy === 'never') {
    const { findImage, getImage } = await import('../image/store/images.js');
    const { isFor } = await import('../image/rootfs/image-root.js');
    const found = policy === 'never' ? getImage(name) : findImage(name);
    if (found !== undefined && (policy === 'never' || (await isFor(found.config, options.platform))))
      return imageInfo(found);
  }
  const pulled = await pullImage(parseReference(name), { ...options, progress });
  await note('pull', pulled.id, pulled.names);
  return imageInfo(pulled);
}

/** Records an event of an image, for each of the names that it is about. */
async function note(action: ImageAction, id: string, names: readonly string[]): Promise<void> {
  const { recordImageEvent } = await import('../container/events/recorder.js');
  if (names.length === 0) recordImageEvent(action, id);
  for (const name of names) recordImageEvent(action, id, name);
}

/** The full names of all tags in the registry for a name without a tag. @throws FosterError */
export async function tagsOf(name: string, access: RegistryAccess): Promise<string[]> {
  const { formatReference, parseReference } = await import('../image/store/reference.js');
  const { listTags } = await import('../image/registry/list-tags.js');
  const reference = parseReference(name);
  return (await listTags(reference, access)).map((tag) => formatReference({ ...reference, tag }));
}

export interface PushRequest extends TransferRequest {
  /** The format of the manifest; by default the one it has. */
  format?: ManifestFormat | undefined;
}

/** The full names of all local tags of a name without a tag. @throws FosterError if there are none */
export async function tagsHere(name: string): Promise<string[]> {
  const { formatReference, hasTagOrDigest, parseReference } = await import('../image/store/reference.js');
  const { listImages } = await import('../image/store/images.js');
  const { FosterError } = await import('../sys/errors.js');
  if (hasTagOrDigest(name))
    throw new FosterError(`--all-tags: ${name} has a tag or digest already`, {
      kind: 'invalid',
      advice: 'give the name alone',
    });
  const { registry, repository } = parseReference(name);
  const found = listImages()
    .flatMap(({ names }) => names)
    .filter((each) => {
      const reference = parseReference(each);
      return (
        reference.registry === registry && reference.repository === repository && reference.tag !== undefined
      );
    });
  if (found.length > 0) return found.toSorted();
  throw new FosterError(
    `no such image: ${formatReference({ registry, repository, tag: undefined, digest: undefined })}`,
    {
      kind: 'not-found',
      advice: "'foster images' lists them",
      exitCode: 1,
    },
  );
}

/**
 * Searches a registry.
 * @param term `TERM`, searched for in docker.io, or `HOST/TERM`
 * @param options.filters `KEY=VALUE` each: views/search.ts
 * @throws FosterError
 */
export async function search(
  term: string,
  { limit, filters, access }: { limit: number; filters: readonly string[]; access: RegistryAccess },
): Promise<SearchRow[]> {
  const { searchRegistry } = await import('../image/registry/search.js');
  const { searchRows } = await import('./views/search.js');
  searchRows([], filters); // reports an invalid filter before the registry is asked
  return searchRows(await searchRegistry(term, limit, access), filters);
}

/** The result of a push. */
export interface PushedImage {
  /** Full name. */
  name: string;
  /** The tag, or the digest if the name has no tag. */
  tag: string;
  /** Of the manifest. */
  digest: string;
  /** Bytes of the manifest. */
  size: number;
}

/**
 * Uploads an image.
 * @param name its name in the registry
 * @param source its name here, if that is different
 * @throws FosterError
 */
export async function push(
  name: string,
  { progress, ...options }: PushRequest,
  source?: string | undefined,
): Promise<PushedImage> {
  const { formatReference, parseReference } = await import('../image/store/reference.js');
  const { pushImage } = await import('../image/registry/push.js');
  const reference = parseReference(name);
  const { digest, size } = await pushImage(reference, { ...options, progress }, source);
  const { findImage } = await import('../image/store/images.js');
  const here = findImage(source ?? name); // not there if it is a list of images
  if (here !== undefined) await note('push', here.id, [formatReference(reference)]);
  return { name: formatReference(reference), tag: reference.tag ?? reference.digest ?? '', digest, size };
}

/** Gives an image more names. An image that has one of them loses it. @throws FosterError */
export async function tag(image: string, names: readonly string[]): Promise<void> {
  const { getImage, tagImage } = await import('../image/store/images.js');
  const { formatReference, parseReference } = await import('../image/store/reference.js');
  const { FosterError } = await import('../sys/errors.js');
  const { descriptor, id } = getImage(image);
  const references = names.map(parseReference);
  if (references.some(({ digest }) => digest !== undefined)) {
    throw new FosterError('cannot give an image a name with a digest', {
      kind: 'invalid',
      advice: 'leave out what follows the @',
      exitCode: 1,
    });
  }
  for (const reference of references) {
    await tagImage(formatReference(reference), descriptor);
    await note('tag', id, [formatReference(reference)]);
  }
}

/**
 * Removes names from an image, all of them by default. The image stays.
 * @throws FosterError if there is no such image, or it has no such name
 */
export async function untag(image: string, names: readonly string[] = []): Promise<void> {
  const { getImage, nameMeant, untagImage } = await import('../image/store/images.js');
  const { FosterError } = await import('../sys/errors.js');
  const found = getImage(image);
  const gone = names.map((text) => {
    const name = nameMeant(text, found);
    if (name !== undefined) return name;
    throw new FosterError(`image ${image} does not have the name ${text}`, {
      kind: 'not-found',
      advice: `its names are ${found.names.join(', ') || 'none'}`,
    });
  });
  const lost = names.length === 0 ? found.names : gone;
  await untagImage(lost, { keep: true });
  if (lost.length > 0) await note('untag', found.id, lost);
}

/** Whether there is such an image. @throws FosterError for an invalid name */
export async function exists(image: string): Promise<boolean> {
  const { findImage } = await import('../image/store/images.js');
  return findImage(image) !== undefined;
}

/** All images. */
export async function list(): Promise<ImageInfo[]> {
  const { listImages } = await import('../image/store/images.js');
  const { imageInfo } = await import('./views/image-info.js');
  return listImages().map(imageInfo);
}

/** An image. @throws FosterError of the kind `not-found` */
export async function info(image: string): Promise<ImageInfo> {
  const { getImage } = await import('../image/store/images.js');
  const { imageInfo } = await import('./views/image-info.js');
  return imageInfo(getImage(image));
}

/** The images that match, the newest first, each with the names that match. */
async function matching(filters: readonly string[]) {
  const { listImages } = await import('../image/store/images.js');
  const { matchingImages } = await import('./views/image-filter.js');
  return matchingImages(listImages(), filters);
}

/** Images as Docker lists them, a row for each name. @param filters `KEY=VALUE` each: views/image-filter.ts */
export async function rows(filters: readonly string[], order: ImageOrder = 'created'): Promise<ImageRow[]> {
  const { listedImage, sortedRows } = await import('./views/image-row.js');
  const { containersByImage } = await import('../container/image-use.js');
  const counts = containersByImage();
  const listed = (await matching(filters)).map((image) =>
    listedImage(image, counts.get(image.descriptor.digest) ?? 0),
  );
  return sortedRows(listed, order, Date.now());
}

/** Images with their layers. @param filters as for `rows` */
export async function layers(filters: readonly string[]): Promise<ImageLayers[]> {
  const { imageLayers } = await import('./views/image-layers.js');
  return imageLayers(await matching(filters));
}

/** An image with its layers. @throws FosterError of the kind `not-found` */
export async function layersOf(image: string): Promise<ImageLayers> {
  const { getImage, listImages } = await import('../image/store/images.js');
  const { imageLayers } = await import('./views/image-layers.js');
  const { id } = getImage(image);
  const found = imageLayers(listImages()).find((each) => each.id === id);
  if (found === undefined) throw new Error('the image is not in the list of images');
  return found;
}

/** An image as `docker image inspect` shows it. @throws FosterError of the kind `not-found` */
export async function inspect(image: string): Promise<Record<string, unknown>> {
  const { getImage } = await import('../image/store/images.js');
  const { imageInspection } = await import('./views/image-inspection.js');
  return imageInspection(getImage(image));
}

/** The steps that created an image, the last one first. @throws FosterError of the kind `not-found` */
export async function history(
  image: string,
  { isHuman = true }: { isHuman?: boolean } = {},
): Promise<HistoryRow[]> {
  const { getImage } = await import('../image/store/images.js');
  const { historyRows } = await import('./views/image-history.js');
  return historyRows(getImage(image), { now: Date.now(), isHuman });
}

/** The removed images, and why others could not be removed. */
export interface RemovedImages {
  removed: RemovedImage[];
  failures: unknown[];
}

/**
 * Removes names of images, or all images. With its last name, an image is removed, except for what others use.
 * A name may also be that of a manifest list, as in Podman; its images stay.
 * @param options.force also removes an image that a container was made from, and an id that has several names
 */
export async function remove(
  names: readonly string[] | 'all',
  options: { force?: boolean | undefined } = {},
): Promise<RemovedImages> {
  const { removeImage } = await import('../container/remove-image.js');
  const { collect } = await import('../container/collect-garbage.js');
  const { listImages } = await import('../image/store/images.js');
  const { kindOf } = await import('../sys/errors.js');
  const result: RemovedImages = { removed: [], failures: [] };
  // By its names: removing an image with several names by its id needs `force`.
  const wanted =
    names === 'all'
      ? listImages().flatMap((image) => (image.names.length > 0 ? image.names : image.id))
      : names;
  for (const name of new Set(wanted)) {
    try {
      result.removed.push(await removeImage(name, { force: options.force ?? false }));
    } catch (error) {
      const list = kindOf(error) === 'not-found' ? await removeList(name) : undefined;
      if (list === undefined) result.failures.push(error);
      else result.removed.push(list);
    }
  }
  await collect();
  return result;
}

async function removeList(text: string): Promise<RemovedImage | undefined> {
  const { changeList, findList } = await import('../image/store/lists.js');
  const list = findList(text);
  if (list === undefined) return undefined;
  await changeList(list.name, () => undefined);
  return { untagged: [await familiarName(list.name)], deleted: undefined };
}

/** The images that a prune has removed, and the number of bytes freed. */
export interface PrunedImages {
  removed: RemovedImage[];
  size: number;
}

/**
 * Removes images without a name, or with `all` every image that no container uses, and unused blobs and layers.
 * @param filters removes only images that match: `KEY=VALUE` each, views/image-filter.ts
 * @throws FosterError
 */
export async function prune({
  all,
  filters = [],
}: {
  all: boolean;
  filters?: readonly string[] | undefined;
}): Promise<PrunedImages> {
  const { pruneImages } = await import('../container/remove-image.js');
  const { collect } = await import('../container/collect-garbage.js');
  const { imageMatcher, PRUNE_FILTERS } = await import('./views/image-filter.js');
  const matches = imageMatcher(
    filters.filter((filter) => !filter.startsWith('dangling=')),
    PRUNE_FILTERS,
  );
  const removed = await pruneImages({
    all: filters.findLast((filter) => filter.startsWith('dangling=')) === 'dangling=false' || all,
    isMeant: (image) => matches(image, undefined),
  });
  const collected = await collect({ caches: true, recipes: false });
  return { removed, size: collected?.size ?? 0 };
}

/**
 * Loads all images from an archive or an OCI directory.
 * @param input a path; undefined for standard input, which only commands may use
 * @throws FosterError; then none of the images is loaded
 */
export async function load(
  input: string | undefined,
  options: { platform?: string | undefined } = {},
): Promise<LoadedImage[]> {
  const { loadImages } = await import('../image/archive/load.js');
  const { collectOnFailure } = await import('../container/collect-garbage.js');
  const { platform } = options;
  const loaded = await collectOnFailure(() => loadImages(input, platform === undefined ? {} : { platform }));
  for (const { id, names } of loaded) await note('load', id, names);
  return loaded;
}

/**
 * Writes images to an archive or a directory. If that fails, nothing incomplete is left.
 * @param output a path; undefined for standard output, which only commands may use
 * @throws FosterError
 */
export async function save(
  names: readonly string[],
  { format, output }: { format: SaveFormat; output: string | undefined },
): Promise<void> {
  const { lockStore } = await import('../image/store/lock.js');
  const { getImage, nameMeant } = await import('../image/store/images.js');
  const { saveImages } = await import('../image/archive/save.js');
  const { findSavedImages } = await import('../image/archive/saved-images.js');
  await lockStore();
  await saveImages(findSavedImages([...names]), format, output);
  for (const name of names) {
    const image = getImage(name);
    const meant = nameMeant(name, image);
    await note('save', image.id, meant === undefined ? [] : [meant]);
  }
}

export interface ImportRequest {
  /** Instructions of a Dockerfile. */
  changes?: readonly string[] | undefined;
  /** For the history of the image. */
  message?: string | undefined;
  /** Name of the image. */
  name?: string | undefined;
  /** `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform?: string | undefined;
}

/**
 * Creates an image with one layer from a root filesystem in a tar archive.
 * @param input a path; undefined for standard input, which only commands may use
 * @returns the image's id
 */
export async function importArchive(input: string | undefined, request: ImportRequest): Promise<string> {
  const { importImage } = await import('../image/archive/import.js');
  const { collectOnFailure } = await import('../container/collect-garbage.js');
  const { changes = [], message, platform } = request;
  const name = request.name === undefined ? undefined : await fullName(request.name);
  const id = await collectOnFailure(() =>
    importImage(input, { changes: [...changes], message, name, platform }),
  );
  await note('import', id, name === undefined ? [] : [name]);
  return id;
}
