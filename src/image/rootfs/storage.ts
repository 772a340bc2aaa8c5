import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { hasFuseOverlayfs } from '../../launch/storage-program.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { DRIVER_VARIABLE, parseStorageDriver, type StorageDriver } from '../../spec/storage-driver.js';
import { dataFolder } from '../../sys/paths.js';
import { surroundings } from '../../sys/surroundings.js';
import type { StorageChoice } from './storage-choice.js';

/**
 * The driver for a new container or build: what the person says, else an overlay where the kernel and the file system of
 * the data folder allow it, else fuse-overlayfs where that is installed, else a copy. What a probe has shown is remembered.
 * @throws FosterError for a name that is none
 */
export async function storageDriver(maps: IdMaps): Promise<StorageDriver> {
  const asked = requestedDriver();
  if (asked !== undefined) return asked;
  return (remembered() ?? (await probed(maps))).driver;
}

/**
 * The driver for a build, whose steps live for a moment: a copy in place of fuse-overlayfs.
 * @throws FosterError for a name that is none
 */
export async function buildDriver(maps: IdMaps): Promise<'overlay' | 'copy'> {
  const driver = await storageDriver(maps);
  return driver === 'fuse-overlayfs' ? 'copy' : driver;
}

/** As `storageDriver`, tried anew, for people. @throws FosterError */
export async function storageChoice(maps: IdMaps): Promise<StorageChoice> {
  const driver = requestedDriver();
  if (driver === undefined) return await probed(maps);
  return { driver, reason: `asked for by --storage-driver or ${DRIVER_VARIABLE}` };
}

/** The driver that a person asks for. @throws FosterError for a name that is none */
export function requestedDriver(): StorageDriver | undefined {
  const { env, storageDriver: chosen } = surroundings();
  const name = chosen ?? env[DRIVER_VARIABLE];
  return name ? parseStorageDriver(DRIVER_VARIABLE, name) : undefined;
}

/** What the data folder says of itself. Anything that could change the result is in the key. */
interface Memory extends StorageChoice {
  key: string;
  /** Whether fuse-overlayfs was there. Does not matter where the driver is an overlay. */
  hasFuse?: boolean;
}

async function probed(maps: IdMaps): Promise<StorageChoice> {
  const { probeStorage } = await import('./storage-probe.js');
  return await probeStorage(maps, remember);
}

const VERSION = 1;

function memoryPath(): string {
  return join(dataFolder(), 'storage');
}

/** @throws Error of node:fs */
function memoryKey(): string {
  return `${VERSION} ${release()} ${statSync(dataFolder()).dev} ${process.getuid?.()}`;
}

function remembered(): StorageChoice | undefined {
  try {
    const { key, driver, reason, hasFuse } = JSON.parse(readFileSync(memoryPath(), 'utf8')) as Memory;
    if (key !== memoryKey()) return undefined;
    if (driver !== 'overlay' && hasFuse !== hasFuseOverlayfs()) return undefined;
    return { driver: parseStorageDriver('storage', driver), reason };
  } catch {
    return undefined; // it was never tried, or the file is damaged
  }
}

/** @param folder what is left there is removed, whatever happens */
function remember({ driver, reason }: StorageChoice, folder: string): void {
  const fresh = join(folder, 'storage');
  writeFileSync(fresh, JSON.stringify({ key: memoryKey(), driver, reason, hasFuse: hasFuseOverlayfs() }), {
    mode: 0o600,
  });
  renameSync(fresh, memoryPath());
}
