import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOfTree } from '../../layers/tree-size.js';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { removeTrees } from '../../worker/remove-trees.js';
import { removeStaleLocks, rootsFolder } from '../rootfs/cache.js';
import { blobPath, imagesFolder } from './blobs.js';
import { clearBuildCache, listBuildCache } from './build-cache.js';
import { indexedManifests } from './images.js';
import { layerNames, layersFolder } from './layers.js';
import { listedManifests } from './lists.js';
import { withExclusiveStore } from './lock.js';
import type { ImageConfig, Manifest } from './oci.js';
import { incomingFolder } from './staging.js';

/** What containers use, which is not removed. */
export interface InUse {
  /** Absolute paths of unpacked layers and of other root filesystems. */
  trees: ReadonlySet<string>;
}

export interface CollectOptions {
  /** Also removes interrupted downloads and trees of tar files. */
  caches: boolean;
  /** Also removes trees of recipes. */
  recipes: boolean;
}

export interface Collected {
  /** Digests of blobs. */
  blobs: string[];
  /** Names of layers and other trees. */
  trees: string[];
  /** Size of blobs, uncompressed layers and root filesystems, in bytes. */
  size: number;
}

/** How long an interrupted download is kept. */
const RESUMABLE_MS = 24 * 60 * 60 * 1000;

/**
 * Removes what no image and no container uses: blobs, unpacked layers, and remains of interrupted loads. There are no
 * reference counters that could be wrong: what is in use is determined each time. Does nothing while another process
 * holds the store's lock; the next collection makes up for it.
 * @param findUse called when no process can start to use anything
 * @returns undefined if another process holds the lock
 */
export async function collectGarbage(
  findUse: () => InUse,
  options: CollectOptions,
): Promise<Collected | undefined> {
  return await withExclusiveStore(async () => {
    const { trees } = findUse();
    if (options.caches) clearBuildCache();
    const { blobs, diffIDs } = findReferences();
    const collected: Collected = { blobs: [], trees: [], size: 0 };
    const stubborn = removeIncoming() ? [] : [incomingFolder()];
    removeStaleLocks();
    sweepBlobs(blobs, options, collected);
    const doomed = [...unusedLayers(diffIDs, trees), ...unusedRoots(trees, options)];
    for (const { path, name, size } of doomed) {
      collected.trees.push(name);
      collected.size += size;
      hide(path, name);
    }
    removeHidden([...doomed.map(({ name }) => hiddenPath(name)), ...stubborn]);
    return collected;
  });
}

/** Returns whether all is gone: a directory of an archive may forbid even its owner to remove what is in it. */
function removeIncoming(): boolean {
  try {
    rmSync(incomingFolder(), { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

interface References {
  /** Digests. */
  blobs: ReadonlySet<string>;
  diffIDs: ReadonlySet<string>;
}

/** Everything that images, lists of images and the build cache refer to. */
function findReferences(): References {
  const blobs = new Set<string>();
  const diffIDs = new Set<string>();
  for (const { digest } of [...indexedManifests(), ...listedManifests()]) {
    blobs.add(digest);
    const manifest = read<Manifest>(digest);
    if (manifest === undefined) continue;
    for (const blob of [manifest.config, ...manifest.layers]) blobs.add(blob.digest);
    for (const id of read<ImageConfig>(manifest.config.digest)?.rootfs.diff_ids ?? []) diffIDs.add(id);
  }
  for (const { layer } of listBuildCache()) {
    if (layer === undefined) continue;
    blobs.add(layer.descriptor.digest);
    diffIDs.add(layer.diffID);
  }
  return { blobs, diffIDs };
}

function read<T>(digest: string): T | undefined {
  try {
    return JSON.parse(readFileSync(blobPath(digest), 'utf8')) as T;
  } catch {
    return undefined; // damaged: what it refers to is useless
  }
}

function sweepBlobs(used: ReadonlySet<string>, { caches }: CollectOptions, collected: Collected): void {
  const folder = join(imagesFolder(), 'blobs', 'sha256');
  for (const name of entries(folder)) {
    const isWhole = /^[0-9a-f]{64}$/.test(name);
    if (isWhole && used.has(`sha256:${name}`)) continue;
    const path = join(folder, name);
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined) continue;
    if (!isWhole && !caches && Date.now() - info.mtimeMs < RESUMABLE_MS) continue;
    rmSync(path, { force: true });
    collected.size += info.size;
    if (isWhole) collected.blobs.push(`sha256:${name}`);
  }
}

interface Removable {
  path: string;
  name: string;
  size: number;
}

function unusedLayers(diffIDs: ReadonlySet<string>, trees: ReadonlySet<string>): Removable[] {
  return layerNames().flatMap((name) => {
    const path = join(layersFolder(), name);
    const isUsed = diffIDs.has(`sha256:${name.split('-')[0]}`) || trees.has(join(path, 'diff'));
    return isUsed || name === 'empty' ? [] : [{ path, name, size: sizeIn(path) }];
  });
}

function sizeIn(folder: string): number {
  try {
    return Number(readFileSync(join(folder, 'size'), 'utf8')) || 0;
  } catch {
    return 0;
  }
}

function unusedRoots(trees: ReadonlySet<string>, { caches, recipes }: CollectOptions): Removable[] {
  return entries(rootsFolder()).flatMap((name) => {
    const path = join(rootsFolder(), name);
    const isWanted = (caches && name.startsWith('sha256-')) || (recipes && name.startsWith('recipe-'));
    return isWanted && !trees.has(join(path, 'rootfs')) ? [{ path, name, size: sizeOfTree(path) }] : [];
  });
}

/** Renames a tree, so that no other process takes the rest of it for a complete tree (cache.ts). */
function hide(path: string, name: string): void {
  mkdirSync(rootsFolder(), { recursive: true, mode: 0o700 });
  renameSync(path, hiddenPath(name));
}

function hiddenPath(name: string): string {
  return join(rootsFolder(), `tmp-${name}`);
}

function removeHidden(paths: string[]): void {
  if (paths.length === 0) return;
  // Also without a user namespace: a directory owned by other ids may be in a folder of ours.
  if (!removeTrees(paths, defaultIdMaps())) removeTrees(paths, undefined);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
