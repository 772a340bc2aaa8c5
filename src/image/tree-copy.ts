import {
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '../sys/errno.js';
import { makeFifo } from '../sys/libc.js';
import { copyAttributes, copyTimes } from './file-attributes.js';
import type { LayerStack } from './layer-stack.js';
import { pathOf } from './member.js';

/**
 * Copies what layers over each other show to a directory: owners, modes, times, hard links and extended attributes, and
 * the files' blocks only where the file system cannot share them (ioctl_ficlone(2)). The caller must be root of the user
 * namespace whose ids the files have.
 * @param target an empty directory, absolute; it becomes the top, or what the `places` are
 * @returns what was left out, since it may not be read
 * @throws Error of node:fs
 */
export function copyTree(layers: LayerStack, target: string, places = layers.top): Skipped {
  const bytes = Buffer.from(target).toString('latin1');
  const copier = new Copier(layers, bytes);
  copier.fill(places, bytes);
  return copier.skipped;
}

/** Files, and directories of which nobody can tell what is in them. */
export interface Skipped {
  count: number;
  /** Path of one of them in the container. */
  example?: string;
}

class Copier {
  readonly skipped: Skipped = { count: 0 };
  readonly #layers: LayerStack;
  readonly #target: string;
  /** First copies of files that have several names, by device and inode. */
  readonly #linked = new Map<string, string>();

  constructor(layers: LayerStack, target: string) {
    this.#layers = layers;
    this.#target = target;
  }

  /** Makes a directory what the uppermost of the `places` is, with what all of them show. */
  fill(places: string[], target: string): void {
    const [source = ''] = places;
    const info = lstatSync(pathOf(source));
    copyAttributes(source, info, target);
    for (const [name, files] of this.#entries(places, target)) {
      const path = `${target}/${name}`;
      const [file = ''] = files;
      const its = lstatSync(pathOf(file));
      if (its.isDirectory()) {
        mkdirSync(pathOf(path), 0o700);
        this.fill(files, path);
      } else this.#file(file, its, path);
    }
    copyTimes(info, target);
  }

  #entries(places: string[], target: string): Map<string, string[]> {
    try {
      return this.#layers.entries(places);
    } catch (error) {
      this.#skip(error, target);
      return new Map();
    }
  }

  #skip(error: unknown, target: string): void {
    if (errnoOf(error) !== 'EACCES') throw error;
    this.skipped.count++;
    this.skipped.example ??= pathOf(target.slice(this.#target.length)).toString();
  }

  #file(source: string, info: Stats, target: string): void {
    const key = info.nlink > 1 ? `${info.dev}:${info.ino}` : undefined;
    const first = key === undefined ? undefined : this.#linked.get(key);
    if (first !== undefined) {
      linkSync(pathOf(first), pathOf(target));
      return;
    }
    if (!this.#make(source, info, target)) return;
    copyAttributes(source, info, target);
    if (key !== undefined) this.#linked.set(key, target);
  }

  #make(source: string, info: Stats, target: string): boolean {
    if (info.isSymbolicLink()) {
      const link = readlinkSync(pathOf(source), { encoding: 'buffer' });
      symlinkSync(link, pathOf(target));
    } else if (info.isFIFO()) {
      makeFifo(pathOf(target), 0o600);
    } else {
      try {
        copyContent(source, info, target);
      } catch (error) {
        this.#skip(error, target);
        return false;
      }
    }
    return true;
  }
}

function copyContent(source: string, info: Stats, target: string): void {
  const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants;
  if (info.blocks * 512 < info.size) copySparse(source, target);
  else copyFileSync(pathOf(source), pathOf(target), COPYFILE_EXCL | COPYFILE_FICLONE);
}

const PIECE = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE);

/** Without the blocks that hold zeros only. */
function copySparse(source: string, target: string): void {
  const from = openSync(pathOf(source), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const to = openSync(pathOf(target), 'wx', 0o600);
    try {
      const piece = Buffer.alloc(PIECE);
      let at = 0;
      for (let size = readSync(from, piece); size > 0; size = readSync(from, piece)) {
        if (!piece.subarray(0, size).equals(ZEROS.subarray(0, size)))
          writeAt(to, piece.subarray(0, size), at);
        at += size;
      }
      ftruncateSync(to, at);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function writeAt(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
