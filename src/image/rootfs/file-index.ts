import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { mapsKey, rootsFolder } from './cache.js';

/**
 * Which tree of the cache a tar file has become, so that an unchanged file need not be read again. Each entry is a
 * symbolic link, named for the file's identity, to the name of the tree: made and read in one system call.
 */

/** Changes whenever the file does: its ctime cannot be set by anybody. Undefined where it is not a regular file. */
export function fileKey(path: string, maps: IdMaps): string | undefined {
  const info = statSync(path, { bigint: true });
  if (!info.isFile()) return undefined;
  return [mapsKey(maps), info.size, info.dev, info.ino, info.mtimeNs, info.ctimeNs].join('-');
}

export function lookUp(key: string): string | undefined {
  try {
    return readlinkSync(join(folder(), key));
  } catch {
    return undefined; // not seen before
  }
}

export function remember(key: string, name: string): void {
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  const fresh = join(folder(), `.new-${process.pid}`);
  rmSync(fresh, { force: true });
  symlinkSync(name, fresh);
  renameSync(fresh, join(folder(), key));
}

/** Whether a file of the same size is known: then its content may be the same, too. */
export function hasSameSize(key: string): boolean {
  const start = key.split('-').slice(0, 2).join('-');
  try {
    return readdirSync(folder()).some((name) => name.startsWith(`${start}-`));
  } catch {
    return false; // nothing was ever unpacked
  }
}

function folder(): string {
  return join(rootsFolder(), 'by-file');
}
