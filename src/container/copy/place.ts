import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { posix, resolve } from 'node:path';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openInRoot } from '../../sys/libc.js';
import { pathOf } from '../../tar/member.js';

const O_PATH = 0o10000000;

/** One of the two sides of `foster cp`: the files of the host, or those of a container. */
export interface Place {
  /** For people: what a path of it is called. */
  show(path: string): string;
  /** An absolute path without `.`, `..` and slashes at its end. */
  normalize(path: string): string;
  /** Opens a path; symbolic links are followed as a process there would follow them. */
  open(path: string, flags: number): number;
}

export const HOST: Place = {
  show: (path) => path,
  normalize: (path) => resolve(path),
  open: (path, flags) => openSync(path, flags),
};

/** A container's files. No path leads out of `root`, whatever the container does meanwhile: openat2(2). */
export function containerPlace(root: number): Place {
  return {
    show: (path) => `container:${path}`,
    normalize: (path) => posix.resolve('/', path),
    open: (path, flags) => openInRoot(root, path, flags),
  };
}

/**
 * An entry of a directory that is open, as a path for Node's functions. Only the kernel's own link to the directory is
 * followed; of the entry itself a call that does not follow links is to be made, since it may be one at any time.
 * @param name of one component, a character for each byte
 */
export function entryPath(directory: number, name: string): string | Buffer {
  return pathOf(`/proc/self/fd/${directory}/${name}`);
}

/** The same file again, opened for reading or writing: of a descriptor that is only a place (O_PATH). */
export function reopen(fd: number, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

export function withOpen<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** How a path was written tells what is meant by it. */
export interface CopyPath {
  place: Place;
  /** As it was given. */
  text: string;
  /** Normalized. */
  path: string;
  /** `PATH/`, `PATH/.`: it must be a directory, and a symbolic link is followed. */
  isDirectory: boolean;
  /** `PATH/.` or `/`: not the directory is meant but what is in it. */
  isContent: boolean;
}

export function copyPath(place: Place, text: string): CopyPath {
  const path = place.normalize(text);
  const isContent = /(^|\/)\.$/.test(text) || path === '/';
  return { place, text, path, isContent, isDirectory: isContent || text.endsWith('/') };
}

/** The last component, a character for each byte. */
export function baseName(path: string): string {
  return Buffer.from(posix.basename(path)).toString('latin1');
}

/** The sentence for what went wrong with a path; an error of ours as it is. */
export function copyError(what: string, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (error instanceof FosterError || code === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(`cannot ${what}: ${errnoWords(errnoNumber(code))}`, {
    exitCode: 1,
    cause: error,
    ...(isFull && { advice: 'free some space on that disk' }),
  });
}

/** The file at a path and what it is; undefined where there is none. To be closed. */
export function openPlace(
  { place, path }: Pick<CopyPath, 'place' | 'path'>,
  flags = 0,
): { fd: number; info: Stats } | undefined {
  let fd: number;
  try {
    fd = place.open(path, O_PATH | flags);
  } catch (error) {
    if (errnoOfAny(error) === 'ENOENT') return undefined;
    throw error;
  }
  return { fd, info: fstatSync(fd) };
}

/** Opens the directory that a path is in. */
export function openParent({ place, path }: Pick<CopyPath, 'place' | 'path'>): number {
  return place.open(posix.dirname(path), O_PATH | constants.O_DIRECTORY);
}

const MOST_LINKS = 40; // as the kernel's: path_resolution(7)

/**
 * Where a path that shall be written to leads: through symbolic links at its end, also those that lead to nothing yet.
 * Returns the directory, to be closed, and the name in it.
 */
export function resolveTarget({ place, path }: CopyPath): { directory: number; name: string } {
  let now = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const name = posix.basename(now);
    if (name === '' || name === '.' || name === '..') break;
    const directory = openParent({ place, path: now });
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${directory}/${name}`);
    } catch {
      return { directory, name: baseName(now) };
    }
    closeSync(directory);
    now = target.startsWith('/') ? target : `${posix.dirname(now)}/${target}`;
  }
  throw new FosterError(`cannot write ${place.show(path)}: too many symbolic links`, { exitCode: 1 });
}
