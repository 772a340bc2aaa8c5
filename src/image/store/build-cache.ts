import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { dataFolder } from '../../sys/paths.js';
import { removeTrees } from '../../worker/remove-trees.js';
import { hasBlob } from './blobs.js';
import { type Descriptor, MEDIA } from './oci.js';

/**
 * What steps of builds have made: `build-cache/KEY.json` says which layer, KEY being a digest of all that the step
 * depends on. An entry keeps nothing: if the layer's blob is gone, the step is done again.
 */
export function buildCacheFolder(): string {
  return join(dataFolder(), 'build-cache');
}

export interface BuildCacheEntry {
  /** RFC 3339. */
  created: string;
  /** The layer, and the digest of it uncompressed; undefined for a step that changed no file. */
  layer?: { descriptor: Descriptor; diffID: string } | undefined;
}

/** The key for things that make a difference: plain data. */
export function buildCacheKey(things: unknown): string {
  return createHash('sha256').update(JSON.stringify(things)).digest('hex');
}

/** What was remembered under the key, if all of it is still in the store. */
export function findInBuildCache(key: string): BuildCacheEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(readFileSync(fileOf(key), 'utf8'));
  } catch {
    return undefined; // not there, or cut short
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

/** All entries whose layers are there: for those who count what is in use. */
export function listBuildCache(): BuildCacheEntry[] {
  return keys().flatMap((key) => findInBuildCache(key) ?? []);
}

/** Forgets everything; the layers go with the next collection, unless images have them. */
export function clearBuildCache(): void {
  for (const key of keys()) rmSync(fileOf(key), { force: true });
  const mounts = cacheMountsFolder();
  if (!existsSync(mounts)) return;
  // what containers have written belongs to their users
  removeTrees([mounts], defaultIdMaps());
}

/** What `RUN --mount=type=cache` keeps: a folder for each id. */
export function cacheMountsFolder(): string {
  return join(buildCacheFolder(), 'mounts');
}

function keys(): string[] {
  try {
    return readdirSync(buildCacheFolder()).flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return []; // nothing was ever built
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
