import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { MAX_LINKS, type Member, pathOf, shown, throughLink } from '../tar/member.js';
import { hideAll } from './hidden-names.js';

/** What is known of directories is kept in memory. */
const MAX_DIRECTORIES = 1_000_000;
const MAX_BYTES = 128 * 1024 * 1024;

/**
 * The directories of a tree that is being written by nobody else. Paths are absolute, `/` being the top of the tree, one
 * character for each byte, and without symbolic links.
 */
export class TreeDirectories {
  readonly #isLayer: boolean;
  /** Parents as they are written in names -> as they are, without symbolic links. */
  readonly #parents = new Map<string, string>();
  /** With the member that told of each: undefined where it was only made for what is in it. */
  readonly #known = new Map<string, Member | undefined>([['/', undefined]]);
  /** Of all names and attributes that are known. */
  #bytes = 0;
  #isOpaque = false;

  /** @param isLayer whiteouts of overlayfs may be in the way */
  constructor(isLayer: boolean) {
    this.#isLayer = isLayer;
  }

  /** Nothing of the layers below is seen. */
  get isOpaque(): boolean {
    return this.#isOpaque;
  }

  /** The directories that members told of. */
  *told(): Generator<[path: string, member: Member]> {
    for (const [path, member] of this.#known) if (member !== undefined) yield [path, member];
  }

  make(path: string, member: Member): void {
    if (!this.#known.has(path)) {
      try {
        mkdirSync(pathOf(path), 0o755);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        // An unknown directory cannot be: all of them are ours.
        if (this.#isLayer && lstatSync(pathOf(path)).isCharacterDevice()) this.#replaceWhiteout(path);
        else {
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
        'the names and attributes of directories in the tar archive are more than 128 MiB',
      );
    }
  }

  #forget(path: string): void {
    if (!this.#known.has(path)) return;
    this.#bytes -= sizeOf(path, this.#known.get(path));
    this.#known.delete(path);
  }

  /** Makes a directory show nothing of the layers below. */
  makeOpaque(path: string): void {
    if (path === '/') this.#isOpaque = true;
    else hideAll(path);
  }

  /** Puts a directory in the place of a whiteout: one that shows nothing of the layers below. */
  #replaceWhiteout(path: string): void {
    unlinkSync(pathOf(path));
    mkdirSync(pathOf(path), 0o755);
    this.makeOpaque(path);
  }

  /** Removes whatever is there, with all that is in it. */
  remove(path: string): void {
    this.#parents.clear();
    if (lstatSync(pathOf(path)).isDirectory()) this.#removeDirectory(path);
    else unlinkSync(pathOf(path));
  }

  /** One by one, since what is known of each must be forgotten: to look through all that is known would take too long. */
  #removeDirectory(path: string): void {
    for (const name of readdirSync(pathOf(path), { encoding: 'latin1' })) {
      const inside = `${path}/${name}`;
      if (this.#known.has(inside)) this.#removeDirectory(inside);
      else unlinkSync(pathOf(inside));
    }
    rmdirSync(pathOf(path));
    this.#forget(path);
  }

  /** The directory that a member goes to, made where it is missing. */
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
          throw new FosterError(`the tar member ${shown(name)} is below a loop of symbolic links`);
        }
        ahead.unshift(...throughLink(name, resolved, path.slice(1), target));
      }
    }
    const parent = `/${resolved.join('/')}`;
    if (this.#parents.size >= MAX_DIRECTORIES) this.#parents.clear();
    this.#parents.set(written, parent);
    return parent;
  }

  /** What the symbolic link at `path` leads to; where there is nothing, a directory is made. */
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
    if (info.isSymbolicLink()) return readlinkSync(pathOf(path), { encoding: 'latin1' });
    throw new FosterError(
      `the tar member ${shown(name)} is below ${shown(path.slice(1))}, which is not a directory`,
    );
  }
}

function sizeOf(path: string, member: Member | undefined): number {
  let size = path.length + (member?.name.length ?? 0);
  for (const [name, value] of member?.xattrs ?? []) size += name.length + value.length;
  return size;
}
