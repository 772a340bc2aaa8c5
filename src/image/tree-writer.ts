import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { FosterError } from '../errors.js';
import { errnoName, errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { SystemCallError } from '../sys/ffi.js';
import { makeFifo, setExtendedAttribute } from '../sys/libc.js';
import { isKeptAttribute } from './attributes.js';
import { hideAll, hideName } from './hidden-names.js';
import { hardLinkComponents, type Member, nameComponents, pathOf, shown, throughLink } from './member.js';
import type { TarSink } from './tar-reader.js';
import { type Whiteout, whiteoutOf } from './whiteout.js';

/** What became of the archive. */
export interface Written {
  members: number;
  /** Device nodes below /dev, which no user may make; a container has its own /dev. */
  skippedDevices: number;
  /** Extended attributes that this file system or user cannot have. */
  lostAttributes: number;
  /** Members whose owner is not mapped, and belong to root instead. */
  lostOwners: number;
  /** Of a layer: nothing of the layers below is seen. */
  isOpaque: boolean;
}

const MAX_LINKS = 40; // as the kernel's: path_resolution(7)
/** What is known of directories is kept in memory. */
const MAX_DIRECTORIES = 1_000_000;
/** A machine whose disk is full to the last byte is hard to use. */
const SPARED_BYTES = 64 * 1024 * 1024;
const CHECK_SPACE_EACH = 64 * 1024 * 1024;

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const SET_IDS = 0o6000;

/**
 * Writes the members of an archive below `/`, to which the caller has changed its root. All parents of a member are
 * resolved here, component by component, so that nothing is written through a symbolic link that is not meant to be;
 * were that wrong, the changed root would still hold it in. Nobody else writes to the tree.
 */
export class TreeWriter implements TarSink {
  readonly written: Written = {
    members: 0,
    skippedDevices: 0,
    lostAttributes: 0,
    lostOwners: 0,
    isOpaque: false,
  };
  readonly #hasOneOwner: boolean;
  readonly #isLayer: boolean;
  /** Parents as they are written in names -> as they are, without symbolic links. */
  #parents = new Map<string, string>();
  /** What directories get when all is in them: writing changes their times, and their modes may forbid it. */
  readonly #directories = new Map<string, Member | undefined>();
  #file: { fd: number; path: string; member: Member } | undefined;
  #unchecked = 0;

  /**
   * @param options.hasOneOwner only one id is mapped: everything belongs to root
   * @param options.isLayer whiteouts of the image-spec become those of overlayfs
   */
  constructor(options: { hasOneOwner: boolean; isLayer: boolean }) {
    this.#hasOneOwner = options.hasOneOwner;
    this.#isLayer = options.isLayer;
    chownSync('/', 0, 0); // of the caller until now, who may have another id in the container
    this.#directories.set('/', undefined);
  }

  member(member: Member): void {
    this.written.members++;
    try {
      this.#create(member);
    } catch (error) {
      throw explained(member, error);
    }
  }

  data(piece: Buffer): void {
    if (this.#file === undefined) return;
    const { fd, member } = this.#file;
    try {
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at, piece.length - at);
      this.#unchecked += piece.length;
      if (this.#unchecked >= CHECK_SPACE_EACH) this.#checkSpace();
    } catch (error) {
      throw explained(member, error);
    }
  }

  endOfMember(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { fd, path, member } = file;
    try {
      const isOwned = this.#ownerOf(member, (uid, gid) => fchownSync(fd, uid, gid));
      this.#setAttributes(path, member);
      if (member.mode & ~0o777 || (isOwned && member.mode & SET_IDS)) fchmodSync(fd, member.mode);
      futimesSync(fd, member.mtime, member.mtime);
    } catch (error) {
      throw explained(member, error);
    } finally {
      closeSync(fd);
    }
  }

  /** To be called when all members are written. */
  finish(): void {
    for (const [path, member] of this.#directories) {
      if (member === undefined) continue; // made for what is in it; the archive says nothing of it
      try {
        this.#ownerOf(member, (uid, gid) => chownSync(pathOf(path), uid, gid));
        this.#setAttributes(path, member);
        chmodSync(pathOf(path), member.mode);
        utimesSync(pathOf(path), member.mtime, member.mtime);
      } catch (error) {
        throw explained(member, error);
      }
    }
  }

  #create(member: Member): void {
    const parts = nameComponents(member.name);
    const last = parts.pop();
    if (last === undefined) {
      if (member.type !== 'directory') {
        throw new FosterError(
          `the tar member ${shown(member.name)} stands for the whole tree but is no directory`,
        );
      }
      this.#directories.set('/', member);
      return;
    }
    const whiteout = this.#isLayer ? whiteoutOf(member, parts, last) : undefined;
    if (whiteout !== undefined) {
      this.#whiteOut(member, parts, whiteout);
      return;
    }
    if (member.type === 'device') {
      this.#skipDevice(member, parts);
      return;
    }
    const path = below(this.#resolveParent(member.name, parts), last);
    if (member.type === 'directory') {
      this.#makeDirectory(path, member);
      return;
    }
    const make = () => this.#make(path, member);
    try {
      make();
    } catch (error) {
      if (errnoOfAny(error) !== 'EEXIST') throw error;
      this.#remove(path); // the last of several members with one name wins
      make();
    }
  }

  #make(path: string, member: Member): void {
    switch (member.type) {
      case 'file':
        this.#file = { fd: openSync(pathOf(path), CREATE, member.mode & 0o777), path, member };
        return;
      case 'hardlink': {
        const parts = hardLinkComponents(member);
        const last = parts.pop() ?? '';
        const source = below(this.#resolveParent(member.name, parts), last);
        if (source === path) return; // a link to itself, as some archivers write: it is there already
        this.#link(member, source, path);
        return;
      }
      case 'symlink':
        if (member.target === '' || member.target.includes('\0')) {
          throw new FosterError(`the tar member ${shown(member.name)} is a symbolic link to nothing`);
        }
        symlinkSync(pathOf(member.target), pathOf(path));
        this.#finishSpecial(path, member);
        return;
      default:
        makeFifo(pathOf(path), member.mode & 0o777);
        this.#finishSpecial(path, member);
    }
  }

  #link(member: Member, source: string, path: string): void {
    try {
      linkSync(pathOf(source), pathOf(path));
    } catch (error) {
      if (!this.#isLayer || errnoOf(error) !== 'ENOENT') throw error;
      throw new FosterError(
        `the tar member ${shown(member.name)} is a hard link to ${shown(member.target)}, which is not in the same layer`,
        { cause: error },
      );
    }
  }

  /** What hides files of the layers below: kernel documentation, overlayfs, "whiteouts and opaque directories". */
  #whiteOut({ name }: Member, parents: string[], whiteout: Whiteout): void {
    if (whiteout.kind === 'nothing') return;
    const parent = this.#resolveParent(name, parents);
    if (whiteout.kind === 'opaque') {
      this.#makeOpaque(parent);
      return;
    }
    const path = below(parent, whiteout.name);
    const info = lstatSync(pathOf(path), { throwIfNoEntry: false });
    // What the layer itself has under that name is not meant, but a directory shows nothing of the one below.
    if (info === undefined) hideName(parent, whiteout.name);
    else if (info.isDirectory()) this.#makeOpaque(path);
  }

  #makeOpaque(path: string): void {
    if (path === '/') this.written.isOpaque = true;
    else hideAll(path);
  }

  /** Puts a directory in the place of a whiteout: one that shows nothing of the layers below. */
  #replaceWhiteout(path: string): void {
    unlinkSync(pathOf(path));
    mkdirSync(pathOf(path), 0o755);
    this.#makeOpaque(path);
  }

  #finishSpecial(path: string, member: Member): void {
    this.#ownerOf(member, (uid, gid) => lchownSync(pathOf(path), uid, gid));
    this.#setAttributes(path, member);
    lutimesSync(pathOf(path), member.mtime, member.mtime);
  }

  #makeDirectory(path: string, member: Member): void {
    if (!this.#directories.has(path)) {
      try {
        mkdirSync(pathOf(path), 0o755);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        // An unknown directory cannot be: all of them are ours.
        if (this.#isLayer && lstatSync(pathOf(path)).isCharacterDevice()) this.#replaceWhiteout(path);
        else {
          this.#remove(path);
          mkdirSync(pathOf(path), 0o755);
        }
      }
    }
    this.#rememberDirectory(path, member);
  }

  #rememberDirectory(path: string, member: Member | undefined): void {
    this.#directories.set(path, member);
    if (this.#directories.size > MAX_DIRECTORIES) {
      throw new FosterError(`the tar archive has more than ${MAX_DIRECTORIES} directories`);
    }
  }

  #skipDevice(member: Member, parents: string[]): void {
    if (parents[0] !== 'dev') {
      throw new FosterError(
        `the tar member ${shown(member.name)} is a device node, which only root could make`,
        {
          advice: 'make the archive without it: containers get their devices from foster',
        },
      );
    }
    this.written.skippedDevices++;
  }

  #remove(path: string): void {
    this.#parents.clear();
    if (!lstatSync(pathOf(path)).isDirectory()) {
      unlinkSync(pathOf(path));
      return;
    }
    const prefix = `${path}/`;
    for (const known of this.#directories.keys()) {
      if (known === path || known.startsWith(prefix)) this.#directories.delete(known);
    }
    rmSync(pathOf(path) as string, { recursive: true });
  }

  /** The directory that a member goes to, made where it is missing. */
  #resolveParent(name: string, parts: string[]): string {
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
      if (this.#directories.has(path)) {
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
      this.#rememberDirectory(path, undefined);
      return undefined;
    }
    if (this.#isLayer && info.isCharacterDevice()) {
      this.#replaceWhiteout(path);
      this.#rememberDirectory(path, undefined);
      return undefined;
    }
    if (info.isSymbolicLink()) return readlinkSync(pathOf(path), { encoding: 'latin1' });
    throw new FosterError(
      `the tar member ${shown(name)} is below ${shown(path.slice(1))}, which is not a directory`,
    );
  }

  /** Returns whether the owner was changed. What we make belongs to root already. */
  #ownerOf(member: Member, change: (uid: number, gid: number) => void): boolean {
    const { uid, gid } = member;
    if (uid === 0 && gid === 0) return false;
    if (this.#hasOneOwner) {
      this.written.lostOwners++;
      return false;
    }
    try {
      change(uid, gid);
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error;
      throw new FosterError(
        `the tar member ${shown(member.name)} belongs to ${uid}:${gid}, an id that your containers do not have`,
        { advice: 'ask root for a larger range in /etc/subuid and /etc/subgid' },
      );
    }
    return true;
  }

  #setAttributes(path: string, member: Member): void {
    for (const [name, value] of member.xattrs) {
      if (!isKeptAttribute(name)) continue;
      try {
        setExtendedAttribute(pathOf(path), name, Buffer.from(value, 'latin1'));
      } catch (error) {
        if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL'].includes(errnoOfAny(error) ?? '')) throw error;
        this.written.lostAttributes++;
      }
    }
  }

  #checkSpace(): void {
    this.#unchecked = 0;
    const { bavail, bsize } = statfsSync('/');
    if (bavail * bsize < SPARED_BYTES) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
  }
}

function below(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

function errnoOfAny(error: unknown): string | undefined {
  return error instanceof SystemCallError ? errnoName(error.errno) : errnoOf(error);
}

function explained(member: Member, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (error instanceof FosterError || code === undefined) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(
    `cannot unpack the tar member ${shown(member.name)}: ${errnoWords(errnoNumber(code))}`,
    full
      ? { advice: 'make room on the disk, or set XDG_DATA_HOME to a folder on another' }
      : { cause: error },
  );
}
