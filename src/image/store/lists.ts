import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { withLock } from '../rootfs/cache.js';
import { imagesFolder, parseDocument } from './blobs.js';
import type { StoredImage } from './images.js';
import { type Descriptor, type ImageIndex, MEDIA, type Platform } from './oci.js';
import { candidateNames, parseReference } from './reference.js';

/**
 * Lists of images for several platforms, which `foster manifest` makes: `lists.json` has the manifests of each list by
 * its full name. They are not in index.json, since no container can be made from one. A list keeps the blobs of its
 * images in the store.
 */

/** The image-spec's "platform", with the members that only lists have. */
export interface ListPlatform extends Platform {
  'os.version'?: string;
  'os.features'?: string[];
  /** Reserved by the specification; Docker's list has it. */
  features?: string[];
}

/** A manifest in a list. */
export interface ListEntry extends Descriptor {
  platform: ListPlatform;
}

export interface ImageList {
  /** Full name. */
  name: string;
  entries: ListEntry[];
}

function listsFile(): string {
  return join(imagesFolder(), 'lists.json');
}

function readLists(): Map<string, ListEntry[]> {
  try {
    const what = `the file of lists in the image store, ${listsFile()},`;
    return new Map(
      Object.entries(parseDocument<Record<string, ListEntry[]>>(readFileSync(listsFile()), what)),
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}

/** The manifests of all lists. */
export function listedManifests(): Descriptor[] {
  return [...readLists().values()].flat();
}

/** @throws FosterError for an invalid name */
export function findList(text: string): ImageList | undefined {
  const lists = readLists();
  const name = candidateNames(parseReference(text)).find((each) => lists.has(each));
  return name === undefined ? undefined : { name, entries: lists.get(name) ?? [] };
}

/** @throws FosterError if there is none */
export function getList(text: string): ImageList {
  const list = findList(text);
  if (list !== undefined) return list;
  throw new FosterError(`no such list of images: ${text}`, {
    kind: 'not-found',
    advice: `make it first: foster manifest create ${text}`,
    exitCode: 1,
  });
}

/**
 * Atomically replaces a list.
 * @param change gets its entries, undefined if there is no such list, and returns the new ones, undefined to remove it
 */
export async function changeList(
  name: string,
  change: (entries: ListEntry[] | undefined) => ListEntry[] | undefined,
): Promise<void> {
  await withLock('images', () => {
    const lists = readLists();
    const entries = change(lists.get(name));
    if (entries === undefined) lists.delete(name);
    else lists.set(name, entries);
    mkdirSync(imagesFolder(), { recursive: true, mode: 0o700 });
    const fresh = `${listsFile()}.new`;
    writeFileSync(fresh, JSON.stringify(Object.fromEntries(lists)), { mode: 0o600, flush: true });
    renameSync(fresh, listsFile());
    return Promise.resolve();
  });
}

/** Removes all lists. */
export async function removeAllLists(): Promise<void> {
  await withLock('images', () => {
    rmSync(listsFile(), { force: true });
    return Promise.resolve();
  });
}

/** What a list says of an image instead of what its config does. */
export interface EntryChanges {
  os?: string | undefined;
  architecture?: string | undefined;
  variant?: string | undefined;
  osVersion?: string | undefined;
  osFeatures?: string[] | undefined;
  features?: string[] | undefined;
  annotations?: Record<string, string> | undefined;
}

/** The entry of an image. */
export function entryOf({ descriptor, config }: StoredImage, changes: EntryChanges): ListEntry {
  const { mediaType, digest, size } = descriptor;
  const { os, architecture, variant } = config;
  const platform = { architecture, os, ...(variant !== undefined && { variant }) };
  return changedEntry({ mediaType, digest, size, platform }, changes);
}

export function changedEntry({ annotations, ...entry }: ListEntry, changes: EntryChanges): ListEntry {
  const { os, architecture, variant, osVersion, osFeatures, features } = changes;
  const all = { ...annotations, ...changes.annotations };
  return {
    ...entry,
    platform: {
      ...entry.platform,
      ...(architecture !== undefined && { architecture }),
      ...(os !== undefined && { os }),
      ...(variant !== undefined && { variant }),
      ...(osVersion !== undefined && { 'os.version': osVersion }),
      ...(osFeatures !== undefined && { 'os.features': osFeatures }),
      ...(features !== undefined && { features }),
    },
    ...(Object.keys(all).length > 0 && { annotations: all }),
  };
}

/** The document that a registry gets. */
export function indexOf(entries: readonly ListEntry[], mediaType: string = MEDIA.index): ImageIndex {
  return { schemaVersion: 2, mediaType, manifests: [...entries] };
}
