import {
  closeSync,
  constants,
  fstatSync,
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
import { copyBlocks, makeFifo } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { copyAttributes, copyTimes } from './file-attributes.js';
import type { LayerStack } from './stack.js';
import { unlessGone } from './unless-gone.js';

/**
 * Copies the merged content of layers to a directory, with owners, modes, times, hard links and extended attributes.
 * File blocks are shared if the file system can do that (copy_file_range(2)). The caller must be root of the user
 * namespace whose ids own the files.
 * @param target absolute path of an empty directory; it becomes a copy of the top, or of `places`
 * @returns what was skipped because it is not readable
 * @throws Error of node:fs
 */
export function copyTree(layers: LayerStack, target: string, places = layers.top): Skipped {
  const bytes = Buffer.from(target).toString('latin1');
  const copier = new Copier(layers, bytes);
  copier.fill(places, bytes);
  return copier.skipped;
}

/** Files and directories that could not be read. */
export interface Skipped {
  count: number;
  /** Path of one of them in the container. */
  example?: string;
}

class Copier {
  readonly skipped: Skipped = { count: 0 };
  readonly #layers: LayerStack;
  readonly #target: string;
  /** First copies of files with several names, by device and inode. */
  readonly #linked = new Map<string, string>();

  constructor(layers: LayerStack, target: string) {
    this.#layers = layers;
    this.#target = target;
  }

  /** Gives a directory the attributes of the topmost of `places`, and the merged content of all of them. */
  fill(places: string[], target: string): void {
    const [source = ''] = places;
    const info = lstat(source);
    if (info === undefined) return;
    copyAttributes(source, info, target);
    for (const [name, files] of this.#entries(places, target)) {
      const path = `${target}/${name}`;
      const [file = ''] = files;
      const its = lstat(file);
      if (its?.isDirectory()) {
        mkdirSync(pathOf(path), 0o700);
        this.fill(files, path);
      } else if (its !== undefined) this.#file(file, its, path);
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
      const link = unlessGone(() => readlinkSync(pathOf(source), { encoding: 'buffer' }), ['EINVAL']);
      if (link === undefined) return false;
      symlinkSync(link, pathOf(target));
      return true;
    }
    if (info.isFIFO()) {
      makeFifo(pathOf(target), 0o600);
      return true;
    }
    try {
      return copyContent(source, target);
    } catch (error) {
      this.#skip(error, target);
      return false;
    }
  }
}

function lstat(path: string): Stats | undefined {
  return unlessGone(() => lstatSync(pathOf(path)));
}

/** Returns false if the source is no longer a regular file. */
function copyContent(source: string, target: string): boolean {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const from = unlessGone(() => openSync(pathOf(source), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (from === undefined) return false;
  try {
    const info = fstatSync(from);
    if (!info.isFile()) return false;
    const to = openSync(pathOf(target), 'wx', 0o600);
    try {
      const isSmall = info.size <= PIECE.length;
      if (isSmall || info.blocks * 512 < info.size || !copyBlocks(from, to, info.size)) copyPieces(from, to);
    } finally {
      closeSync(to);
    }
    return true;
  } finally {
    closeSync(from);
  }
}

const PIECE = Buffer.alloc(64 * 1024);
const ZEROS = Buffer.alloc(PIECE.length);

/** Leaves holes for blocks of zeros. */
function copyPieces(from: number, to: number): void {
  let at = 0;
  let endsInHole = false;
  const next = () => readSync(from, PIECE, 0, PIECE.length, at);
  for (let size = next(); size > 0; size = next()) {
    const piece = PIECE.subarray(0, size);
    endsInHole = piece.equals(ZEROS.subarray(0, size));
    if (!endsInHole) writeAt(to, piece, at);
    at += size;
  }
  if (endsInHole) ftruncateSync(to, at);
}

function writeAt(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
