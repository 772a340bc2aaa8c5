import {
  getImage,
  listImages,
  nameMeant,
  removeFromIndex,
  type StoredImage,
  untagImage,
} from '../image/store/images.js';
import { familiarReference } from '../image/store/reference.js';
import { FosterError } from '../sys/errors.js';
import { recordImageEvent } from './events/recorder.js';
import { containersOf } from './image-use.js';
import { isAlive } from './store.js';

/** What was removed of an image, as Docker reports it. */
export interface RemovedImage {
  /** Short forms of the names that were removed. */
  untagged: string[];
  /** Its ID, if the image itself was removed. */
  deleted: string | undefined;
}

/**
 * Removes a name of an image, and with its last name the image. An ID removes all names. Its blobs and layers are removed
 * by the next `collect`.
 * @param options.force also removes an image that containers were made from, and an ID with several names
 * @throws FosterError
 */
export async function removeImage(text: string, options: { force: boolean }): Promise<RemovedImage> {
  const found = getImage(text);
  const name = nameMeant(text, found);
  // An ID may stand for several manifests: the same layers, compressed or not.
  const images = name === undefined ? listImages().filter(({ id }) => id === found.id) : [found];
  const names = images.flatMap((image) => image.names);
  if (name !== undefined && names.length > 1) {
    await untagImage([name], { keep: false });
    recordImageEvent('untag', found.id, name);
    return { untagged: [familiarReference(name)], deleted: undefined };
  }
  if (names.length > 1 && !options.force) {
    throw new FosterError(`cannot remove image ${text}: it has ${names.length} names`, {
      kind: 'conflict',
      advice: 'give them one by one, or remove it with rmi -f',
      exitCode: 1,
    });
  }
  for (const image of images) checkUse(text, image, options);
  for (const { descriptor } of images) await removeFromIndex(descriptor.digest);
  return removedImage(found.id, names);
}

/** What is told of an image that is gone, by its events too. */
function removedImage(id: string, names: readonly string[]): RemovedImage {
  for (const name of names) recordImageEvent('untag', id, name);
  recordImageEvent('delete', id);
  return { untagged: names.map(familiarReference), deleted: id };
}

/** Containers always keep their layers. A running container also keeps its image, even with `force`. */
function checkUse(text: string, { descriptor }: StoredImage, { force }: { force: boolean }): void {
  const users = containersOf(descriptor.digest);
  const inTheWay = force ? users.filter(({ state }) => isAlive(state)) : users;
  const [first] = inTheWay;
  if (first === undefined) return;
  const which = `${first.record.name} (${first.record.id.slice(0, 12)})`;
  const others = inTheWay.length === 1 ? '' : ` and ${inTheWay.length - 1} more`;
  throw new FosterError(`cannot remove image ${text}: container ${which}${others} was made from it`, {
    kind: 'conflict',
    advice: isAlive(first.state) ? 'stop and remove it first' : 'remove it first, or the image with rmi -f',
    exitCode: 1,
  });
}

/** Removes images without a name, or with `all` every image that no container was made from, if the filters match. */
export async function pruneImages(options: {
  all: boolean;
  isMeant: (image: StoredImage) => boolean;
}): Promise<RemovedImage[]> {
  const removed: RemovedImage[] = [];
  for (const image of listImages()) {
    if (image.names.length > 0 && !options.all) continue;
    if (!options.isMeant(image)) continue;
    if (containersOf(image.descriptor.digest).length > 0) continue;
    await removeFromIndex(image.descriptor.digest);
    removed.push(removedImage(image.id, image.names));
  }
  return removed;
}
