import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  lutimesSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { FosterError } from '../sys/errors.js';
import { getExtendedAttribute } from '../sys/libc.js';
import { type Member, pathOf, quotedName } from '../tar/member.js';
import { TAR_END, tarHeader, tarPadding } from '../tar/writer.js';
import { keptAttributes } from './kept-attributes.js';
import type { OpenTree } from './open-tree.js';
import { hiddenName } from './overlay-whiteouts.js';
import { unlessGone } from './unless-gone.js';
import { OPAQUE_MARKER, WHITEOUT_PREFIX } from './whiteout.js';
import { listNames, type WritableLayer } from './writable-layer.js';

export interface TreeTarOptions {
  /**
   * Whether the tree is the upper directory of an overlay, whose whiteouts become those of the image-spec. Otherwise
   * they are skipped.
   */
  isLayer?: boolean;
  /** Modification time of all files, in seconds since 1970. */
  timestamp?: number | undefined;
  /** Whether to set `timestamp` in the tree, too. */
  setsTimes?: boolean;
  /** Owner of all files. */
  owner?: { uid: number; gid: number };
  /** Returns the name in the archive for a name in the tree. */
  rename?: (name: string) => string;
  /** Whether to skip a name. The content of a skipped directory is still visited. */
  skips?: (name: string) => boolean;
  /** Whether to skip a directory with all its content. */
  prunes?: (name: string) => boolean;
  /** If the layer is a part of the tree: which files it has, and which it hides. */
  own?: WritableLayer;
}

const PIECE = 256 * 1024;
/** Limit for the number of remembered files with several names. */
const MAX_LINKED = 1_000_000;
const OPAQUE = 'user.overlay.opaque';

/**
 * The upper directory of an overlay (kernel documentation, overlayfs, mounted with `userxattr`) as a layer: image-spec,
 * "layer.md". Names are sorted by their bytes and times are whole seconds, so that the same tree always gives the same
 * archive. The caller must be in the user namespace whose ids the layer is to have, and nobody may change the tree
 * meanwhile. Sockets, devices and the directory itself are skipped.
 * @param top absolute path
 * @throws FosterError, Error of node:fs
 */
export function* layerTar(top: string, options: TreeTarOptions = {}): Generator<Buffer> {
  yield* inPieces(new TreeTar(top, { ...options, isLayer: true }).children(''));
  yield TAR_END;
}

/**
 * Writes files of a tree as members of an archive, without the end of the archive. Names have one character for each
 * byte and are relative to the top. Links are never followed; files that disappear or change their type meanwhile are
 * skipped.
 */
export class TreeTar {
  readonly #top: string | OpenTree;
  readonly #options: TreeTarOptions;
  /** First names of files with several names, by device and inode. */
  readonly #linked = new Map<string, string>();

  /** @param top absolute path, in a process that sees only the tree (worker/view.ts), or an open tree */
  constructor(top: string | OpenTree, options: TreeTarOptions) {
    this.#top = typeof top === 'string' ? Buffer.from(top).toString('latin1') : top;
    this.#options = options;
  }

  /** Everything in a directory. @param directory '' for the top, or a name that ends with a slash */
  *children(directory: string): Generator<Buffer> {
    const { own } = this.#options;
    const names = own?.names(directory) ?? unlessGone(() => listNames(this.#path(directory))) ?? [];
    for (const base of names) {
      if (!own?.isDeleted(`${directory}${base}`)) yield* this.entry(directory, base);
      else {
        const info = this.#lstat(directory);
        if (info !== undefined) yield this.#mark(`${directory}${WHITEOUT_PREFIX}${base}`, info);
      }
    }
  }

  /** A file, or a directory with all its content. */
  *entry(directory: string, base: string): Generator<Buffer> {
    const name = `${directory}${base}`;
    const info = this.#lstat(name);
    if (info === undefined) return;
    if (info.isDirectory()) yield* this.#directory(name, info);
    else if (!this.#options.skips?.(name)) yield* this.#file(directory, base, info);
  }

  /** The top itself, under the name `./`. */
  *top(): Generator<Buffer> {
    const info = this.#lstat('');
    if (info !== undefined) yield this.#header('', 'directory', info, { name: './' });
  }

  *#directory(name: string, info: Stats): Generator<Buffer> {
    if (this.#options.prunes?.(name)) return;
    if (!this.#options.skips?.(name)) {
      this.#checkName(name);
      const xattrs = unlessGone(() => this.#attributes(name));
      if (xattrs === undefined) return;
      const isOpaque = xattrs.get(OPAQUE) === 'y' || this.#options.own?.isOpaque(`${name}/`);
      xattrs.delete(OPAQUE);
      yield this.#header(name, 'directory', info, { name: `${name}/`, xattrs });
      if (isOpaque && this.#options.isLayer) yield this.#mark(`${name}/${OPAQUE_MARKER}`, info);
    }
    yield* this.children(`${name}/`);
  }

  *#file(directory: string, base: string, info: Stats): Generator<Buffer> {
    const name = `${directory}${base}`;
    const hidden = hiddenName(base, info);
    if (hidden !== undefined && (this.#options.isLayer || info.isCharacterDevice())) {
      if (this.#options.isLayer) yield this.#mark(`${directory}${WHITEOUT_PREFIX}${hidden}`, info);
      return;
    }
    this.#checkName(base);
    if (info.isFile()) yield* this.#regularFile(name, info);
    else if (info.isSymbolicLink()) {
      const target = unlessGone(() => readlinkSync(this.#path(name), { encoding: 'latin1' }), ['EINVAL']);
      if (target !== undefined) yield this.#header(name, 'symlink', info, { target });
    } else if (info.isFIFO()) yield this.#header(name, 'fifo', info, {});
  }

  #checkName(name: string): void {
    if (!this.#options.isLayer || !name.slice(name.lastIndexOf('/') + 1).startsWith(WHITEOUT_PREFIX)) return;
    throw new FosterError(
      `the file ${quotedName(name)} cannot be in a layer: names that start with .wh. mark deleted files`,
      { advice: 'rename it' },
    );
  }

  *#regularFile(name: string, info: Stats): Generator<Buffer> {
    const key = info.nlink > 1 ? `${info.dev}:${info.ino}` : undefined;
    const first = key === undefined ? undefined : this.#linked.get(key);
    if (first !== undefined) {
      yield this.#header(name, 'hardlink', info, { target: first });
      return;
    }
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = unlessGone(() => openSync(this.#path(name), flags));
    if (fd === undefined) return;
    let size = 0;
    try {
      const now = fstatSync(fd);
      if (!now.isFile()) return;
      if (now.nlink > 1 && this.#linked.size < MAX_LINKED) this.#linked.set(`${now.dev}:${now.ino}`, name);
      size = now.size;
      yield this.#header(name, 'file', now, { size, xattrs: keptAttributes(fd) });
      for (let left = size; left > 0; ) {
        const piece = Buffer.allocUnsafe(Math.min(left, PIECE));
        const read = readSync(fd, piece);
        if (read === 0)
          throw new FosterError(`the file ${quotedName(name)} became shorter while it was read`);
        yield piece.subarray(0, read);
        left -= read;
      }
    } finally {
      closeSync(fd);
    }
    yield tarPadding(size);
  }

  #header(name: string, type: Member['type'], info: Stats, more: Partial<Member>): Buffer {
    const { timestamp, setsTimes, owner, rename } = this.#options;
    const { uid, gid } = owner ?? info;
    const mtime = timestamp ?? Math.floor(info.mtimeMs / 1000);
    if (timestamp !== undefined && setsTimes) lutimesSync(this.#path(name), timestamp, timestamp);
    const mode = type === 'symlink' ? 0o777 : info.mode & 0o7777;
    const plain = { name: rename?.(name) ?? name, type, target: '', mode, uid, gid, size: 0, mtime };
    return tarHeader({ ...plain, xattrs: new Map(), ...more });
  }

  #mark(name: string, { uid, gid, mtimeMs }: Stats): Buffer {
    const mtime = this.#options.timestamp ?? Math.floor(mtimeMs / 1000);
    return tarHeader({
      name,
      type: 'file',
      target: '',
      mode: 0o600,
      uid,
      gid,
      size: 0,
      mtime,
      xattrs: new Map(),
    });
  }

  /** Attributes that a layer may have: the same that tree-writer.ts sets. */
  #attributes(name: string): Map<string, string> {
    const path = this.#path(name);
    const found = keptAttributes(path);
    const opaque = this.#options.isLayer ? getExtendedAttribute(path, OPAQUE) : undefined;
    if (opaque !== undefined) found.set(OPAQUE, opaque.toString('latin1'));
    return found;
  }

  #path(name: string): string | Buffer {
    return typeof this.#top === 'string' ? pathOf(`${this.#top}/${name}`) : this.#top.path(name);
  }

  #lstat(name: string): Stats | undefined {
    return unlessGone(() => lstatSync(this.#path(name)));
  }
}

/** Joins small parts into larger pieces: compressing and writing each header separately would be slow. */
export function* inPieces(parts: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for (const part of parts) {
    if (part.length === 0) continue;
    waiting.push(part);
    size += part.length;
    if (size < PIECE) continue;
    yield waiting.length === 1 ? part : Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}
