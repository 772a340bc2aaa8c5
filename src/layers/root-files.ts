import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { openInRoot } from '../sys/libc.js';
import { hiddenBy } from './hidden-names.js';
import { WHITEOUT_PREFIX } from './whiteout.js';

const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;

/** A root file system, opened: what is read from it never leads out of it. */
export class RootFiles {
  readonly #layers: number[];

  /** @param layers trees of the host, the uppermost first */
  constructor(layers: string[]) {
    this.#layers = layers.map((path) => openSync(path, O_PATH));
  }

  close(): void {
    for (const fd of this.#layers) closeSync(fd);
  }

  /** The text of a file, its first MiB at the most; '' where there is no such regular file or it cannot be read. */
  read(path: string): string {
    const fd = this.#find(path, O_NONBLOCK);
    if (fd === undefined) return '';
    try {
      const info = fstatSync(fd);
      if (!info.isFile()) return '';
      const buffer = Buffer.alloc(Math.min(info.size, 1024 * 1024));
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(fd);
    }
  }

  /** Whether the last part of an absolute path is a symbolic link. */
  isLink(path: string): boolean {
    const fd = this.#find(path, O_PATH | O_NOFOLLOW);
    if (fd === undefined) return false;
    try {
      return fstatSync(fd).isSymbolicLink();
    } finally {
      closeSync(fd);
    }
  }

  /** In the uppermost layer that has it, unless one above says that it was deleted: a whiteout of overlayfs. */
  #find(path: string, flags: number): number | undefined {
    for (const layer of this.#layers) {
      const fd = open(layer, path, flags);
      if (fd !== undefined) return fd;
      if (hasWhiteout(layer, path)) return undefined;
    }
    return undefined;
  }
}

function open(layer: number, path: string, flags: number): number | undefined {
  try {
    return openInRoot(layer, path, flags);
  } catch {
    return undefined;
  }
}

/** A mark in place of the file or of a folder above it, or beside it: layers/hidden-names.ts. */
function hasWhiteout(layer: number, path: string): boolean {
  for (let part = path; part !== ''; part = part.slice(0, part.lastIndexOf('/'))) {
    const slash = part.lastIndexOf('/') + 1;
    const mark = `${WHITEOUT_PREFIX}${part.slice(slash)}`;
    const isHidden =
      hides(layer, part, part.slice(slash)) || hides(layer, `${part.slice(0, slash)}${mark}`, mark);
    if (isHidden) return true;
  }
  return false;
}

function hides(layer: number, path: string, name: string): boolean {
  const fd = open(layer, path, O_PATH | O_NOFOLLOW);
  if (fd === undefined) return false;
  try {
    return hiddenBy(name, fstatSync(fd)) !== undefined;
  } finally {
    closeSync(fd);
  }
}
