import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { mapsKey, rootsFolder } from './cache.js';

/**
 * Which tree of the cache was made from a tar file, so that an unchanged file need not be read again. Each entry is a
 * symbolic link, named after the file's identity, to the name of the tree: one system call to make or read.
 */

/** Changes whenever the file does, since nobody can set its ctime. Undefined if it is not a regular file. */
export function fileKey(path: string, maps: IdMaps): string | undefined {
  const info = statSync(path, { bigint: true });
  if (!info.isFile()) return undefined;
  return [mapsKey(maps), info.size, info.dev, info.ino, info.mtimeNs, info.ctimeNs].join('-');
}

export function findTreeOfFile(key: string): string | undefined {
  try {
    return readlinkSync(join(folder(), key));
  } catch {
    return undefined; // not seen before
  }
}

export function rememberTreeOfFile(key: string, name: string): void {
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  const fresh = join(folder(), `.new-${process.pid}`);
  rmSync(fresh, { force: true });
  symlinkSync(name, fresh);
  renameSync(fresh, join(folder(), key));
}

/** Whether a file of the same size is known, whose content may be the same. */
export function isSizeKnown(key: string): boolean {
  const start = key.split('-').slice(0, 2).join('-');
  try {
    return readdirSync(folder()).some((name) => name.startsWith(`${start}-`));
  } catch {
    return false; // nothing has been unpacked yet
  }
}

function folder(): string {
  return join(rootsFolder(), 'by-file');
}
