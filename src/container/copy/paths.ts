import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { posix, resolve } from 'node:path';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openInRoot } from '../../sys/libc.js';
import { pathOf } from '../../tar/member.js';

const O_PATH = 0o10000000;

/** One side of `foster cp`: the files of the host or of a container. */
export interface FileSide {
  /** A path on this side, for messages. */
  describe(path: string): string;
  /** Returns an absolute path without `.`, `..` and trailing slashes. */
  normalize(path: string): string;
  /** Opens a path; symbolic links are followed as on that side. */
  open(path: string, flags: number): number;
}

export const HOST: FileSide = {
  describe: (path) => path,
  normalize: (path) => resolve(path),
  open: (path, flags) => openSync(path, flags),
};

/** A container's files; its name is for errors. No path leads out of `root`, whatever the container does meanwhile: openat2(2). */
export function containerSide(root: number, name = 'container'): FileSide {
  return {
    describe: (path) => `${name}:${path}`,
    normalize: (path) => posix.resolve('/', path),
    open: (path, flags) => openInRoot(root, path, flags),
  };
}

/**
 * An entry of an open directory, as a path for Node's functions. Use it only with calls that do not follow links, since
 * the entry may become one at any time.
 * @param name one component, with one character for each byte
 */
export function entryPath(directory: number, name: string): string | Buffer {
  return pathOf(`/proc/self/fd/${directory}/${name}`);
}

/** Opens the file of an O_PATH descriptor for reading or writing. */
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

/** A path of `foster cp`, whose spelling has a meaning. */
export interface CopyPath {
  side: FileSide;
  /** As given. */
  text: string;
  /** Normalized. */
  path: string;
  /** Whether it ends with `/` or `/.`, so that it must be a directory, and a symbolic link is followed. */
  isDirectory: boolean;
  /** Whether it ends with `/.` or is `/`, which means the content of the directory. */
  isContent: boolean;
}

export function copyPath(side: FileSide, text: string): CopyPath {
  const path = side.normalize(text);
  const isContent = /(^|\/)\.$/.test(text) || path === '/';
  return { side, text, path, isContent, isDirectory: isContent || text.endsWith('/') };
}

/** The last component, with one character for each byte. */
export function baseName(path: string): string {
  return Buffer.from(posix.basename(path)).toString('latin1');
}

/** A FosterError for a failed system call; other errors unchanged. */
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

/** Opens the file at a path; undefined if there is none. The caller must close it. */
export function openPath(
  { side, path }: Pick<CopyPath, 'side' | 'path'>,
  flags = 0,
): { fd: number; info: Stats } | undefined {
  let fd: number;
  try {
    fd = side.open(path, O_PATH | flags);
  } catch (error) {
    if (errnoOfAny(error) === 'ENOENT') return undefined;
    throw error;
  }
  return { fd, info: fstatSync(fd) };
}

/** Opens the parent directory of a path. */
export function openParent({ side, path }: Pick<CopyPath, 'side' | 'path'>): number {
  return side.open(posix.dirname(path), O_PATH | constants.O_DIRECTORY);
}

const MAX_LINKS = 40; // the kernel's limit: path_resolution(7)

/**
 * Resolves a path for writing: follows symbolic links at its end, even dangling ones. Returns the directory, which the
 * caller must close, and the name in it.
 */
export function resolveTarget({ side, path }: CopyPath): { directory: number; name: string } {
  let now = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const name = posix.basename(now);
    if (name === '' || name === '.' || name === '..') break;
    const directory = openParent({ side, path: now });
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${directory}/${name}`);
    } catch {
      return { directory, name: baseName(now) };
    }
    closeSync(directory);
    now = target.startsWith('/') ? target : `${posix.dirname(now)}/${target}`;
  }
  throw new FosterError(`cannot write ${side.describe(path)}: too many symbolic links`, { exitCode: 1 });
}
