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
import { type Member, pathOf, shown } from '../tar/member.js';
import { TAR_END, tarHeader, tarPadding } from '../tar/writer.js';
import { unlessGone } from './changing.js';
import { hiddenBy } from './hidden-names.js';
import { keptAttributes } from './kept-attributes.js';
import type { OpenTree } from './open-tree.js';
import { namesIn, type OwnLayer } from './own-layer.js';
import { OPAQUE_MARKER, WHITEOUT_PREFIX } from './whiteout.js';

export interface TreeTarOptions {
  /** The tree is the upper directory of an overlay; its whiteouts become those of the image-spec. Else they are left out. */
  isLayer?: boolean;
  /** Every file gets this modification time, in seconds since 1970. */
  timestamp?: number | undefined;
  /** In the tree too. */
  setsTimes?: boolean;
  /** Everything belongs to this user and group. */
  owner?: { uid: number; gid: number };
  /** What a name is in the archive. */
  renames?: (name: string) => string;
  /** Names that are left out; of a directory, what is below it is asked for all the same. */
  leavesOut?: (name: string) => boolean;
  /** Directories that are not even looked into. */
  passesOver?: (name: string) => boolean;
  /** Of a layer that is part of a whole tree: what of the tree it has, and what it hides. */
  own?: OwnLayer;
}

const PIECE = 256 * 1024;
/** Files with several names are remembered. */
const MOST_LINKED = 1_000_000;
const OPAQUE = 'user.overlay.opaque';

/**
 * What the upper directory of an overlay (kernel documentation, overlayfs, mounted with `userxattr`) holds, as a layer:
 * image-spec, "layer.md". Names are sorted by their bytes and times are whole seconds, so that the same tree is always
 * the same archive. The caller must be in the user namespace whose ids the layer shall have, and nobody may change the
 * tree meanwhile. Sockets and devices are left out, as is the directory itself.
 * @param top absolute path
 * @throws FosterError, Error of node:fs
 */
export function* layerTar(top: string, options: TreeTarOptions = {}): Generator<Buffer> {
  yield* inPieces(new TreeTar(top, { ...options, isLayer: true }).children(''));
  yield TAR_END;
}

/**
 * Writes files of a tree as members of an archive, without its end. Names are bytes, one character for each, relative to
 * the top. A link is never followed; what is gone, or has become something else, when it is its turn is left out.
 */
export class TreeTar {
  readonly #top: string | OpenTree;
  readonly #options: TreeTarOptions;
  /** First names of files that have several, by device and inode. */
  readonly #linked = new Map<string, string>();

  /** @param top absolute path, in a process that no path can lead astray (worker/view.ts), or an open tree */
  constructor(top: string | OpenTree, options: TreeTarOptions) {
    this.#top = typeof top === 'string' ? Buffer.from(top).toString('latin1') : top;
    this.#options = options;
  }

  /** All that is in a directory. @param directory '' for the top, or a name with a slash at its end */
  *children(directory: string): Generator<Buffer> {
    const { own } = this.#options;
    const names = own?.names(directory) ?? unlessGone(() => namesIn(this.#path(directory))) ?? [];
    for (const base of names) {
      if (!own?.isDeleted(`${directory}${base}`)) yield* this.one(directory, base);
      else {
        const info = this.#lstat(directory);
        if (info !== undefined) yield this.#mark(`${directory}${WHITEOUT_PREFIX}${base}`, info);
      }
    }
  }

  /** A file, or a directory with all that is in it. */
  *one(directory: string, base: string): Generator<Buffer> {
    const name = `${directory}${base}`;
    const info = this.#lstat(name);
    if (info === undefined) return;
    if (info.isDirectory()) yield* this.#directory(name, info);
    else if (!this.#options.leavesOut?.(name)) yield* this.#file(directory, base, info);
  }

  /** The top itself, under the name `./`. */
  *top(): Generator<Buffer> {
    const info = this.#lstat('');
    if (info !== undefined) yield this.#header('', 'directory', info, { name: './' });
  }

  *#directory(name: string, info: Stats): Generator<Buffer> {
    if (this.#options.passesOver?.(name)) return;
    if (!this.#options.leavesOut?.(name)) {
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
    const hidden = hiddenBy(base, info);
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
      `the file ${shown(name)} cannot be in a layer: names that begin with .wh. mark deleted files`,
      { advice: 'give it another name' },
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
      if (now.nlink > 1 && this.#linked.size < MOST_LINKED) this.#linked.set(`${now.dev}:${now.ino}`, name);
      size = now.size;
      yield this.#header(name, 'file', now, { size, xattrs: keptAttributes(fd) });
      for (let left = size; left > 0; ) {
        const piece = Buffer.allocUnsafe(Math.min(left, PIECE));
        const read = readSync(fd, piece);
        if (read === 0) throw new FosterError(`the file ${shown(name)} became shorter while it was read`);
        yield piece.subarray(0, read);
        left -= read;
      }
    } finally {
      closeSync(fd);
    }
    yield tarPadding(size);
  }

  #header(name: string, type: Member['type'], info: Stats, more: Partial<Member>): Buffer {
    const { timestamp, setsTimes, owner, renames } = this.#options;
    const { uid, gid } = owner ?? info;
    const mtime = timestamp ?? Math.floor(info.mtimeMs / 1000);
    if (timestamp !== undefined && setsTimes) lutimesSync(this.#path(name), timestamp, timestamp);
    const mode = type === 'symlink' ? 0o777 : info.mode & 0o7777;
    const plain = { name: renames?.(name) ?? name, type, target: '', mode, uid, gid, size: 0, mtime };
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

  /** Those that a layer may have: tree-writer.ts sets the same. */
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

/** Headers are small: each on its own would cost those who compress and write more than its content. */
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
