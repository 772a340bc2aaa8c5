import type { RegistryAccess } from '../image/registry/registry.js';
import type { ProgressOutput } from '../image/registry/transfer-display.js';
import type { EntryChanges, ImageList, ListEntry } from '../image/store/lists.js';
import type { ManifestFormat } from '../image/store/manifest-format.js';
import { FosterError } from '../sys/errors.js';

/**
 * Manifest lists: images for several platforms under one name. Each function that makes or changes a list returns its
 * ID, the digest of the document that a registry would get.
 */

export type { EntryChanges };

/**
 * Makes a list.
 * @param options.amend adds the images to the list if it exists already
 * @throws FosterError of the kind `conflict` if the name is in use
 */
export async function createList(
  text: string,
  images: readonly string[],
  { amend, ...access }: RegistryAccess & { amend: boolean },
): Promise<string> {
  const { changeList, findList } = await import('../image/store/lists.js');
  const { fullName, exists } = await import('./images.js');
  const known = findList(text);
  const name = known?.name ?? (await fullName(text));
  if (name.includes('@')) throw new FosterError(`${text}: a list cannot have a digest`, { kind: 'invalid' });
  if (known !== undefined && !amend)
    throw new FosterError(`there is a list ${text} already`, {
      kind: 'conflict',
      advice: 'add images to it with --amend, or remove it with foster manifest rm',
    });
  if (known === undefined && (await exists(name)))
    throw new FosterError(`there is an image ${text} already`, {
      kind: 'conflict',
      advice: 'take another name',
    });
  const added = await entriesOf(images, {}, access);
  await changeList(name, (entries = []) => withEntries(entries, added));
  return await idOf(name);
}

/** Adds images to a list. Images that are not in the store are pulled. @throws FosterError */
export async function addToList(
  text: string,
  images: readonly string[],
  changes: EntryChanges,
  access: RegistryAccess,
): Promise<string> {
  const { changeList, getList } = await import('../image/store/lists.js');
  const { name } = getList(text);
  const added = await entriesOf(images, changes, access);
  await changeList(name, (entries = []) => withEntries(entries, added));
  return await idOf(name);
}

/** Changes what a list says of one of its images. @throws FosterError */
export async function annotateList(text: string, image: string, changes: EntryChanges): Promise<string> {
  const { changedEntry, changeList, getList } = await import('../image/store/lists.js');
  const list = getList(text);
  const digest = await digestIn(list, image);
  await changeList(list.name, (entries = []) =>
    entries.map((entry) => (entry.digest === digest ? changedEntry(entry, changes) : entry)),
  );
  return await idOf(list.name);
}

/** Removes an image from a list. @throws FosterError */
export async function removeFromList(text: string, image: string): Promise<string> {
  const { changeList, getList } = await import('../image/store/lists.js');
  const list = getList(text);
  const digest = await digestIn(list, image);
  await changeList(list.name, (entries = []) => entries.filter((entry) => entry.digest !== digest));
  return await idOf(list.name);
}

/** Removes lists, but not their images. @returns full names and IDs @throws FosterError; then none is removed */
export async function removeLists(texts: readonly string[]): Promise<{ name: string; id: string }[]> {
  const { changeList, getList } = await import('../image/store/lists.js');
  const names = texts.map((text) => getList(text).name);
  const removed: { name: string; id: string }[] = [];
  for (const name of new Set(names)) {
    removed.push({ name, id: await idOf(name) });
    await changeList(name, () => undefined);
  }
  return removed;
}

/** Whether there is such a list. @throws FosterError for an invalid name */
export async function listExists(text: string): Promise<boolean> {
  const { findList } = await import('../image/store/lists.js');
  return findList(text) !== undefined;
}

/** The document of a list; if there is no such list here, the registry's under that name. @throws FosterError */
export async function inspectList(text: string, access: RegistryAccess): Promise<object> {
  const { findList, indexOf } = await import('../image/store/lists.js');
  const list = findList(text);
  if (list !== undefined) return indexOf(list.entries);
  const { fetchManifest } = await import('../image/registry/fetch-manifest.js');
  const { parseReference } = await import('../image/store/reference.js');
  return await fetchManifest(parseReference(text), access);
}

export interface PushListRequest extends RegistryAccess {
  format?: ManifestFormat | undefined;
  progress: ProgressOutput | undefined;
}

/**
 * Uploads a list with its images.
 * @param destination its name in the registry; its name here by default
 * @returns the digest of the list there
 * @throws FosterError
 */
export async function pushList(
  text: string,
  destination: string | undefined,
  request: PushListRequest,
): Promise<string> {
  const { getList } = await import('../image/store/lists.js');
  const { lockStore } = await import('../image/store/lock.js');
  const { parseReference } = await import('../image/store/reference.js');
  const { pushList: push } = await import('../image/registry/push-list.js');
  await lockStore();
  const { name, entries } = getList(text);
  const { digest } = await push(parseReference(destination ?? name), entries, request);
  return digest;
}

async function entriesOf(
  images: readonly string[],
  changes: EntryChanges,
  access: RegistryAccess,
): Promise<ListEntry[]> {
  const { findImage, getImage } = await import('../image/store/images.js');
  const { entryOf, findList } = await import('../image/store/lists.js');
  const { lockStore } = await import('../image/store/lock.js');
  const { pull } = await import('./images.js');
  await lockStore(); // keeps the images until the list refers to them
  const found: ListEntry[] = [];
  for (const image of images.map((text) => text.replace(/^(docker|containers-storage):(\/\/)?/, ''))) {
    const list = findImage(image) === undefined ? findList(image) : undefined;
    if (list !== undefined) {
      found.push(...list.entries);
      continue;
    }
    if (findImage(image) === undefined) await pull(image, { ...access, progress: undefined });
    found.push(entryOf(getImage(image), changes));
  }
  return found;
}

function withEntries(entries: readonly ListEntry[], added: readonly ListEntry[]): ListEntry[] {
  return [...new Map([...entries, ...added].map((entry) => [entry.digest, entry])).values()];
}

/** The digest of an entry, which is given by its digest or by the name or ID of an image. */
async function digestIn({ name, entries }: ImageList, image: string): Promise<string> {
  const { findImage } = await import('../image/store/images.js');
  const wanted = entries.some(({ digest }) => digest === image) ? image : findImage(image)?.descriptor.digest;
  if (wanted !== undefined && entries.some(({ digest }) => digest === wanted)) return wanted;
  throw new FosterError(`${image} is not in the list ${name}`, {
    kind: 'not-found',
    exitCode: 1,
    advice: 'foster manifest inspect shows what is',
  });
}

async function idOf(text: string): Promise<string> {
  const { getList, indexOf } = await import('../image/store/lists.js');
  const { digestOf } = await import('../image/store/blobs.js');
  return digestOf(Buffer.from(JSON.stringify(indexOf(getList(text).entries)))).slice('sha256:'.length);
}
