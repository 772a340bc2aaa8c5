import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { getExtendedAttribute } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { hiddenName, isOpaque } from './overlay-whiteouts.js';
import type { LayerStack } from './stack.js';
import { unlessGone } from './unless-gone.js';
import { OPAQUE_MARKER, WHITEOUT_PREFIX } from './whiteout.js';

/**
 * A container's changes to the layers below. Names are relative to the top and have one character for each byte; a
 * directory is '' or a name that ends with a slash.
 */
export interface WritableLayer {
  /** A file that the container has created or changed; undefined if it has deleted it or not touched it. */
  lstat(name: string): Stats | undefined;
  /** Where a symbolic link leads that it has created or changed; undefined for anything else. */
  link(name: string): string | undefined;
  /** Names that it has created, changed or deleted, sorted by their bytes. */
  names(directory: string): string[];
  isDeleted(name: string): boolean;
  /** Whether the directory hides everything in the layers below. */
  isOpaque(directory: string): boolean;
}

/** The upper directory of an overlay. */
export class UpperDirectory implements WritableLayer {
  readonly #path: string;

  /** @param path absolute */
  constructor(path: string) {
    this.#path = Buffer.from(path).toString('latin1');
  }

  lstat(name: string): Stats | undefined {
    const info = this.#look(name);
    return info !== undefined && hiddenName('', info) === undefined ? info : undefined;
  }

  link(name: string): string | undefined {
    return targetOf(`${this.#path}/${name}`);
  }

  names(directory: string): string[] {
    return unlessGone(() => listNames(`${this.#path}/${directory}`)) ?? [];
  }

  isDeleted(name: string): boolean {
    const info = this.#look(name);
    return info !== undefined && hiddenName('', info) !== undefined;
  }

  isOpaque(directory: string): boolean {
    if (directory === '') return false;
    return unlessGone(() => isOpaque(`${this.#path}/${directory.replace(/\/$/, '')}`)) ?? false;
  }

  protected has(name: string): boolean {
    return this.#look(name) !== undefined;
  }

  protected attribute(name: string, attribute: string): string | undefined {
    return unlessGone(() => getExtendedAttribute(pathOf(`${this.#path}/${name}`), attribute))?.toString();
  }

  #look(name: string): Stats | undefined {
    return unlessGone(() => lstatSync(pathOf(`${this.#path}/${name}`)));
  }
}

const FUSE_OPAQUE = 'user.fuseoverlayfs.opaque';
/** fuse-overlayfs marks an opaque directory in several ways; one of them looks like a whiteout of the name `.opq`. */
const OPAQUE_DEVICE = '.wh..opq';

/**
 * The upper directory of fuse-overlayfs (fuse-overlayfs(1), and its source code): a deleted file is a device 0/0 or, if
 * that is not permitted, a file `.wh.NAME`. No container can create such names.
 */
export class FuseUpperDirectory extends UpperDirectory {
  readonly #below: LayerStack;

  /** @param path absolute */
  constructor(path: string, below: LayerStack) {
    super(path);
    this.#below = below;
  }

  override names(directory: string): string[] {
    const names = super
      .names(directory)
      .filter((name) => name !== OPAQUE_MARKER && name !== OPAQUE_DEVICE)
      .map((name) => (name.startsWith(WHITEOUT_PREFIX) ? name.slice(WHITEOUT_PREFIX.length) : name));
    return [...new Set(names)].sort();
  }

  override isDeleted(name: string): boolean {
    if (super.isDeleted(name)) return true;
    const base = name.lastIndexOf('/') + 1;
    const mark = `${name.slice(0, base)}${WHITEOUT_PREFIX}${name.slice(base)}`;
    return this.has(mark) && !this.has(name);
  }

  /** New directories are marked too, even if there is nothing below. */
  override isOpaque(directory: string): boolean {
    if (!this.#below.lstat(directory.slice(0, -1))?.isDirectory() || directory === '') return false;
    return (
      this.attribute(directory.slice(0, -1), FUSE_OPAQUE) === 'y' ||
      this.has(`${directory}${OPAQUE_MARKER}`) ||
      this.has(`${directory}${OPAQUE_DEVICE}`)
    );
  }
}

/** Where a symbolic link leads, with one character for each byte; undefined for anything else. */
export function targetOf(path: string): string | undefined {
  return unlessGone(() => readlinkSync(pathOf(path), { encoding: 'latin1' }), ['EINVAL']);
}

/** The names in a directory, with one character for each byte, sorted. */
export function listNames(path: string | Buffer): string[] {
  return readdirSync(typeof path === 'string' ? pathOf(path) : path, { encoding: 'buffer' })
    .map((name) => name.toString('latin1'))
    .sort();
}
