import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { hasFuseOverlayfs } from '../../launch/storage-program.js';
import type { IdMaps } from '../../spec/id-maps.js';
import {
  parseStorageDriver,
  STORAGE_DRIVER_VARIABLE,
  type StorageDriver,
} from '../../spec/storage-driver.js';
import { dataFolder } from '../../sys/paths.js';
import { surroundings } from '../../sys/surroundings.js';
import type { StorageChoice } from './storage-choice.js';

/**
 * The driver for a new container or build: the one that the user chose; else an overlay, if the kernel and the file
 * system of the data folder support it; else fuse-overlayfs, if it is installed; else a copy. The result of a probe is
 * remembered.
 * @throws FosterError for an unknown name
 */
export async function storageDriver(maps: IdMaps): Promise<StorageDriver> {
  const asked = requestedDriver();
  if (asked !== undefined) return asked;
  return (remembered() ?? (await probe(maps))).driver;
}

/**
 * The driver for a build, whose steps are short: a copy instead of fuse-overlayfs.
 * @throws FosterError for an unknown name
 */
export async function buildDriver(maps: IdMaps): Promise<'overlay' | 'copy'> {
  const driver = await storageDriver(maps);
  return driver === 'fuse-overlayfs' ? 'copy' : driver;
}

/** As `storageDriver`, with the reason; always probes anew. @throws FosterError */
export async function storageChoice(maps: IdMaps): Promise<StorageChoice> {
  const driver = requestedDriver();
  if (driver === undefined) return await probe(maps);
  return { driver, reason: `chosen by --storage-driver or ${STORAGE_DRIVER_VARIABLE}` };
}

/** The driver that the user chose. @throws FosterError for an unknown name */
export function requestedDriver(): StorageDriver | undefined {
  const { env, storageDriver: chosen } = surroundings();
  const name = chosen ?? env[STORAGE_DRIVER_VARIABLE];
  return name ? parseStorageDriver(STORAGE_DRIVER_VARIABLE, name) : undefined;
}

/** The result of the last probe, stored in the data folder. Its key contains whatever could change the result. */
interface RememberedChoice extends StorageChoice {
  key: string;
  /** Whether fuse-overlayfs was installed. Irrelevant where the driver is an overlay. */
  hasFuse?: boolean;
}

async function probe(maps: IdMaps): Promise<StorageChoice> {
  const { probeStorage } = await import('./storage-probe.js');
  return await probeStorage(maps, remember);
}

const VERSION = 1;

function rememberedPath(): string {
  return join(dataFolder(), 'storage');
}

/** @throws Error of node:fs */
function choiceKey(): string {
  return `${VERSION} ${release()} ${statSync(dataFolder()).dev} ${process.getuid?.()}`;
}

function remembered(): StorageChoice | undefined {
  try {
    const { key, driver, reason, hasFuse } = JSON.parse(
      readFileSync(rememberedPath(), 'utf8'),
    ) as RememberedChoice;
    if (key !== choiceKey()) return undefined;
    if (driver !== 'overlay' && hasFuse !== hasFuseOverlayfs()) return undefined;
    return { driver: parseStorageDriver('storage', driver), reason };
  } catch {
    return undefined; // never probed, or the file is damaged
  }
}

/** @param folder a temporary folder, which the caller removes */
function remember({ driver, reason }: StorageChoice, folder: string): void {
  const fresh = join(folder, 'storage');
  writeFileSync(fresh, JSON.stringify({ key: choiceKey(), driver, reason, hasFuse: hasFuseOverlayfs() }), {
    mode: 0o600,
  });
  renameSync(fresh, rememberedPath());
}
