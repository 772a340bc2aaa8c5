import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { dataFolder } from '../../sys/paths.js';
import { removeTrees } from '../../worker/remove-trees.js';
import { hasBlob } from './blobs.js';
import { type Descriptor, MEDIA } from './oci.js';

/**
 * Results of build steps: `build-cache/KEY.json` names a layer, where KEY is a digest of all that the step depends on.
 * An entry does not keep its layer: if the blob is gone, the step is run again.
 */
export function buildCacheFolder(): string {
  return join(dataFolder(), 'build-cache');
}

export interface BuildCacheEntry {
  /** RFC 3339. */
  created: string;
  /** The layer, and its uncompressed digest; undefined for a step that changed no files. */
  layer?: { descriptor: Descriptor; diffID: string } | undefined;
}

/** The key for everything that a step depends on, as plain data. */
export function buildCacheKey(things: unknown): string {
  return createHash('sha256').update(JSON.stringify(things)).digest('hex');
}

/** The entry for a key, if its layer is still in the store. */
export function findInBuildCache(key: string): BuildCacheEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(readFileSync(fileOf(key), 'utf8'));
  } catch {
    return undefined; // missing or truncated
  }
  if (!isEntry(entry)) return undefined;
  return entry.layer === undefined || hasBlob(entry.layer.descriptor) ? entry : undefined;
}

export function rememberInBuildCache(key: string, entry: BuildCacheEntry): void {
  mkdirSync(buildCacheFolder(), { recursive: true, mode: 0o700 });
  const fresh = `${fileOf(key)}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(entry), { mode: 0o600 });
  renameSync(fresh, fileOf(key));
}

/** All entries whose layers are in the store. */
export function listBuildCache(): BuildCacheEntry[] {
  return keys().flatMap((key) => findInBuildCache(key) ?? []);
}

/** Removes all entries; the next garbage collection removes their layers, unless images use them. */
export function clearBuildCache(): void {
  for (const key of keys()) rmSync(fileOf(key), { force: true });
  const mounts = cacheMountsFolder();
  if (!existsSync(mounts)) return;
  // files written by containers belong to their users
  removeTrees([mounts], defaultIdMaps());
}

/** Removes the entries that were written before a time, in milliseconds since 1970. */
export function removeFromBuildCache(before: number): void {
  for (const key of keys()) {
    const info = statSync(fileOf(key), { throwIfNoEntry: false });
    if (info !== undefined && info.mtimeMs < before) rmSync(fileOf(key), { force: true });
  }
}

/** Removes the oldest entries, until the layers of the others have at most that many bytes. */
export function shrinkBuildCache(most: number): void {
  const entries = keys().flatMap((key) => {
    const time = statSync(fileOf(key), { throwIfNoEntry: false })?.mtimeMs;
    return time === undefined ? [] : { key, time, layer: findInBuildCache(key)?.layer?.descriptor };
  });
  const counted = new Set<string>();
  let total = 0;
  for (const { key, layer } of entries.sort((one, other) => other.time - one.time)) {
    if (layer !== undefined && !counted.has(layer.digest)) total += layer.size;
    if (layer !== undefined) counted.add(layer.digest);
    if (total > most) rmSync(fileOf(key), { force: true });
  }
}

/** The caches of `RUN --mount=type=cache`: a folder for each id. */
export function cacheMountsFolder(): string {
  return join(buildCacheFolder(), 'mounts');
}

function keys(): string[] {
  try {
    return readdirSync(buildCacheFolder()).flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return []; // nothing has been built yet
  }
}

function fileOf(key: string): string {
  return join(buildCacheFolder(), `${key}.json`);
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

function isEntry(value: unknown): value is BuildCacheEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { created, layer } = value as Partial<BuildCacheEntry>;
  if (typeof created !== 'string') return false;
  if (layer === undefined) return true;
  const { descriptor, diffID } = layer;
  return DIGEST.test(diffID) && DIGEST.test(descriptor.digest) && descriptor.mediaType === MEDIA.layerGzip;
}
