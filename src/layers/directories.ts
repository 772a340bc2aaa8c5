import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { followLink, MAX_LINKS, type Member, pathOf, quotedName } from '../tar/member.js';
import { markOpaque } from './overlay-whiteouts.js';

/** The attributes of directories are kept in memory. */
const MAX_DIRECTORIES = 1_000_000;
const MAX_BYTES = 128 * 1024 * 1024;

/**
 * The directories of a tree that no other process writes to. The exception is a merge with existing files, which others may
 * change meanwhile; the result for a file that both write is then undefined. Paths are absolute (`/` is the top of the
 * tree), have one character for each byte, and contain no symbolic links.
 */
export class TreeDirectories {
  readonly #isLayer: boolean;
  readonly #merges: boolean;
  /** Maps parents as written in names to their paths without symbolic links. */
  readonly #parents = new Map<string, string>();
  /** Each directory with its member; undefined if it has none, and was made for its content. */
  readonly #known = new Map<string, Member | undefined>([['/', undefined]]);
  /** Size of all known names and attributes. */
  #bytes = 0;
  #isOpaque = false;

  /**
   * @param isLayer whether there may be whiteouts of overlayfs
   * @param merges whether there may be existing directories, which are kept
   */
  constructor(isLayer: boolean, merges = false) {
    this.#isLayer = isLayer;
    this.#merges = merges;
  }

  /** Whether all layers below are hidden. */
  get isOpaque(): boolean {
    return this.#isOpaque;
  }

  /** The directories that have members. */
  *described(): Generator<[path: string, member: Member]> {
    for (const [path, member] of this.#known) if (member !== undefined) yield [path, member];
  }

  make(path: string, member: Member): void {
    if (!this.#known.has(path)) {
      try {
        mkdirSync(pathOf(path), 0o755);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        // There are no unknown directories, unless it merges: this process made all of them.
        const found = lstatSync(pathOf(path));
        if (this.#isLayer && found.isCharacterDevice()) this.#replaceWhiteout(path);
        else if (!this.#merges || !found.isDirectory()) {
          this.remove(path);
          mkdirSync(pathOf(path), 0o755);
        }
      }
    }
    this.#remember(path, member);
  }

  #remember(path: string, member: Member | undefined): void {
    this.#forget(path);
    this.#known.set(path, member && { ...member, target: '' });
    this.#bytes += sizeOf(path, member);
    if (this.#known.size > MAX_DIRECTORIES) {
      throw new FosterError(`the tar archive has more than ${MAX_DIRECTORIES} directories`);
    }
    if (this.#bytes > MAX_BYTES) {
      throw new FosterError(
        'the names and attributes of directories in the tar archive take more than 128 MiB',
      );
    }
  }

  #forget(path: string): void {
    if (!this.#known.has(path)) return;
    this.#bytes -= sizeOf(path, this.#known.get(path));
    this.#known.delete(path);
  }

  /** Makes a directory hide the layers below. */
  makeOpaque(path: string): void {
    if (path === '/') this.#isOpaque = true;
    else markOpaque(path);
  }

  /** Replaces a whiteout by a directory that hides the layers below. */
  #replaceWhiteout(path: string): void {
    unlinkSync(pathOf(path));
    mkdirSync(pathOf(path), 0o755);
    this.makeOpaque(path);
  }

  /** Removes a file or a directory with all its content. */
  remove(path: string): void {
    this.#parents.clear();
    if (lstatSync(pathOf(path)).isDirectory()) this.#removeDirectory(path);
    else unlinkSync(pathOf(path));
  }

  /** Removes entries one by one to forget each: searching all known directories would take too long. */
  #removeDirectory(path: string): void {
    for (const name of readdirSync(pathOf(path), { encoding: 'latin1' })) {
      const inside = `${path}/${name}`;
      const isDirectory =
        this.#known.has(inside) || (this.#merges && lstatSync(pathOf(inside)).isDirectory());
      if (isDirectory) this.#removeDirectory(inside);
      else unlinkSync(pathOf(inside));
    }
    rmdirSync(pathOf(path));
    this.#forget(path);
  }

  /** The directory of a member; created if it is missing. */
  resolveParent(name: string, parts: string[]): string {
    const written = parts.join('/');
    const known = this.#parents.get(written);
    if (known !== undefined) return known;

    const resolved: string[] = [];
    const ahead = [...parts];
    for (let links = 0; ahead.length > 0; ) {
      const part = ahead.shift() ?? '';
      if (part === '..') {
        resolved.pop();
        continue;
      }
      const path = `/${[...resolved, part].join('/')}`;
      if (this.#known.has(path)) {
        resolved.push(part);
        continue;
      }
      const target = this.#linkOrNewDirectory(name, path);
      if (target === undefined) {
        resolved.push(part);
      } else {
        if (++links > MAX_LINKS) {
          throw new FosterError(`the tar member ${quotedName(name)} is below a symbolic link loop`);
        }
        ahead.unshift(...followLink(name, resolved, path.slice(1), target));
      }
    }
    const parent = `/${resolved.join('/')}`;
    if (this.#parents.size >= MAX_DIRECTORIES) this.#parents.clear();
    this.#parents.set(written, parent);
    return parent;
  }

  /** The target of the symbolic link at `path`, if it is one. Creates a directory if nothing is there. */
  #linkOrNewDirectory(name: string, path: string): string | undefined {
    const info = lstatSync(pathOf(path), { throwIfNoEntry: false });
    if (info === undefined) {
      mkdirSync(pathOf(path), 0o755);
      this.#remember(path, undefined);
      return undefined;
    }
    if (this.#isLayer && info.isCharacterDevice()) {
      this.#replaceWhiteout(path);
      this.#remember(path, undefined);
      return undefined;
    }
    if (this.#merges && info.isDirectory()) {
      this.#remember(path, undefined);
      return undefined;
    }
    if (info.isSymbolicLink()) return readlinkSync(pathOf(path), { encoding: 'latin1' });
    throw new FosterError(
      `the tar member ${quotedName(name)} is below ${quotedName(path.slice(1))}, which is not a directory`,
    );
  }
}

function sizeOf(path: string, member: Member | undefined): number {
  let size = path.length + (member?.name.length ?? 0);
  for (const [name, value] of member?.xattrs ?? []) size += name.length + value.length;
  return size;
}
