import { closeSync, constants, fstatSync, lstatSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { findInRoot } from '../../sys/libc.js';
import { containerFolder } from '../../sys/paths.js';
import { type KernelProcess, openDirectory } from '../kernel/process.js';
import type { Look } from '../lab.js';
import { seen } from './seen.js';

/** What checks look at in files: of the lab's folder, of containers, and of their writable layers. */

/** Whose file in the lab's folder it is: the number of a user. */
export function owner(name: string): Look {
  return ({ folder }) => ({
    value: lstatSync(join(folder, name), { throwIfNoEntry: false })?.uid,
    from: `stat(2) ${name}`,
  });
}

/** The text of a small file that a container sees, without the line break at its end. */
export function fileIn(container: string, path: string): Look {
  return (world) => {
    const init = world.init(container);
    return seen(readInside(init, path), init, `root${path}`);
  };
}

/** Whether a container sees anything at a path, be it a link that leads nowhere: 1 or 0. */
export function existsIn(container: string, path: string): Look {
  return (world) => {
    const init = world.init(container);
    const isThere = inside(init.openRoot(), path, O_PATH | constants.O_NOFOLLOW, () => true) ?? false;
    return seen(isThere ? 1 : 0, init, `root${path}`);
  };
}

const O_PATH = 0o10000000;
const LARGEST = 64 * 1024;

function readInside(init: KernelProcess, path: string): string | undefined {
  return inside(init.openRoot(), path, constants.O_RDONLY | constants.O_NONBLOCK, (fd) => {
    const info = fstatSync(fd);
    return info.isFile() && info.size <= LARGEST ? readFileSync(fd, 'utf8').trimEnd() : undefined;
  });
}

/** Opens a path in a directory, which is closed then: no link leads out of it. Undefined if that fails. */
function inside<T>(
  directory: number | undefined,
  path: string,
  flags: number,
  use: (fd: number) => T,
): T | undefined {
  if (directory === undefined) return undefined;
  try {
    const fd = findInRoot(directory, path, flags);
    if (fd === undefined) return undefined;
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(directory);
  }
}

/** What the writable layer of a container has at a path: `file`, `directory`, `link` or `whiteout`. */
export function inUpper(container: string, path: string): Look {
  return (world) => {
    const info = statUpper(world.container(container).record.id, path);
    return { value: info && kindOf(info), from: `upper${path}` };
  };
}

/** The size in bytes of the file that the writable layer of a container has at a path. */
export function sizeInUpper(container: string, path: string): Look {
  return (world) => ({
    value: statUpper(world.container(container).record.id, path)?.size,
    from: `upper${path}`,
  });
}

function statUpper(id: string, path: string): Stats | undefined {
  return inside(
    openDirectory(join(containerFolder(id), 'upper')),
    path,
    O_PATH | constants.O_NOFOLLOW,
    (fd) => fstatSync(fd),
  );
}

/** A whiteout of overlay is a character device 0/0. */
function kindOf(info: Stats): string {
  if (info.isCharacterDevice() && info.rdev === 0) return 'whiteout';
  if (info.isDirectory()) return 'directory';
  return info.isFile() ? 'file' : 'link';
}
