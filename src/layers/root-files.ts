import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { findInRoot } from '../sys/libc.js';
import { dataFolder } from '../sys/paths.js';
import { isSeeing, seeBelow } from '../sys/sightings.js';
import { hiddenName } from './overlay-whiteouts.js';
import { WHITEOUT_PREFIX } from './whiteout.js';

const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;

/** An open root filesystem: reading it never leads out of it. */
export class RootFiles {
  readonly #layers: number[];
  readonly #paths: readonly string[];

  /** @param layers trees on the host, topmost first */
  constructor(layers: string[]) {
    this.#paths = layers;
    this.#layers = layers.map((path) => openSync(path, O_PATH));
  }

  close(): void {
    for (const fd of this.#layers) closeSync(fd);
  }

  /** The text of a file, at most its first MiB; '' if it is not a readable regular file. */
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

  /** What is known about a file; undefined if there is none. */
  stat(path: string): BigIntStats | undefined {
    const fd = this.#find(path, O_PATH);
    if (fd === undefined) return undefined;
    try {
      return fstatSync(fd, { bigint: true });
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

  /** Opens it in the topmost layer that has it, unless a layer above has a whiteout for it. */
  #find(path: string, flags: number): number | undefined {
    const lowest = this.#layers.at(-1);
    for (const [index, layer] of this.#layers.entries()) {
      const fd = findInRoot(layer, path, flags);
      if (isSeeing()) noteSighting(this.#paths[index] ?? '', path, fd, flags);
      if (fd !== undefined) return fd;
      if (layer !== lowest && hasWhiteout(layer, path)) return undefined;
    }
    return undefined;
  }
}

/** For the template of a run. Trees of foster's own never change. */
function noteSighting(root: string, path: string, fd: number | undefined, flags: number): void {
  if (root.startsWith(`${dataFolder()}/`)) return;
  const info = fd === undefined ? undefined : fstatSync(fd, { bigint: true });
  seeBelow(root, path, info, (flags & O_NOFOLLOW) !== 0);
}

/** Whether a layer has a whiteout for the file or for a directory above it: overlay-whiteouts.ts. */
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
  const fd = findInRoot(layer, path, O_PATH | O_NOFOLLOW);
  if (fd === undefined) return false;
  try {
    return hiddenName(name, fstatSync(fd)) !== undefined;
  } finally {
    closeSync(fd);
  }
}
