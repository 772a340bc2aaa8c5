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
  openSync,
  statfsSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny } from '../sys/ffi.js';
import { makeFifo } from '../sys/libc.js';
import { hardLinkComponents, type Member, nameComponents, pathOf, shown } from '../tar/member.js';
import type { TarSink } from '../tar/reader.js';
import { TreeDirectories } from './directories.js';
import { FileContent } from './file-content.js';
import { hideName } from './hidden-names.js';
import { MemberMetadata } from './member-metadata.js';
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
  readonly #isLayer: boolean;
  readonly #directories: TreeDirectories;
  readonly #metadata: MemberMetadata;
  #file: { fd: number; path: string; member: Member; content: FileContent } | undefined;
  #members = 0;
  #skippedDevices = 0;
  #holes = 0;
  #unchecked = 0;

  /**
   * @param options.hasOneOwner only one id is mapped: everything belongs to root
   * @param options.isLayer whiteouts of the image-spec become those of overlayfs
   */
  constructor(options: { hasOneOwner: boolean; isLayer: boolean }) {
    this.#isLayer = options.isLayer;
    this.#directories = new TreeDirectories(options.isLayer);
    this.#metadata = new MemberMetadata(options.hasOneOwner);
    chownSync('/', 0, 0); // of the caller until now, who may have another id in the container
  }

  get written(): Written {
    const { lostAttributes, lostOwners } = this.#metadata;
    const { isOpaque } = this.#directories;
    return {
      members: this.#members,
      skippedDevices: this.#skippedDevices,
      lostAttributes,
      lostOwners,
      isOpaque,
    };
  }

  /** Bytes that files seem to have and the archive has not. */
  get holes(): number {
    return this.#holes;
  }

  member(member: Member): void {
    this.#members++;
    try {
      this.#create(member);
    } catch (error) {
      throw explained(member, error);
    }
  }

  data(piece: Buffer): void {
    if (this.#file === undefined) return;
    const { content, member } = this.#file;
    try {
      content.write(piece);
      this.#unchecked += piece.length;
      if (this.#unchecked >= CHECK_SPACE_EACH) this.#checkSpace();
    } catch (error) {
      throw explained(member, error);
    }
  }

  hole(size: number): void {
    this.#holes += size;
    this.#file?.content.hole(size);
  }

  endOfMember(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { fd, path, member, content } = file;
    try {
      content.end();
      const isOwned = this.#metadata.setOwner(member, (uid, gid) => fchownSync(fd, uid, gid));
      this.#metadata.setAttributes(path, member);
      if (member.mode & ~0o777 || (isOwned && member.mode & SET_IDS)) fchmodSync(fd, member.mode);
      const time = timeOf(member);
      futimesSync(fd, time, time);
    } catch (error) {
      throw explained(member, error);
    } finally {
      closeSync(fd);
    }
  }

  /** To be called when all members are written. */
  finish(): void {
    for (const [path, member] of this.#directories.told()) {
      try {
        this.#metadata.setOwner(member, (uid, gid) => chownSync(pathOf(path), uid, gid));
        this.#metadata.setAttributes(path, member);
        chmodSync(pathOf(path), member.mode);
        const time = timeOf(member);
        utimesSync(pathOf(path), time, time);
      } catch (error) {
        throw explained(member, error);
      }
    }
  }

  /** Closes what is open, after an error too. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
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
      this.#directories.make('/', member);
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
    const path = below(this.#directories.resolveParent(member.name, parts), last);
    if (member.type === 'directory') {
      this.#directories.make(path, member);
      return;
    }
    const make = () => this.#make(path, member);
    try {
      make();
    } catch (error) {
      if (errnoOfAny(error) !== 'EEXIST') throw error;
      this.#directories.remove(path); // the last of several members with one name wins
      make();
    }
  }

  #make(path: string, member: Member): void {
    switch (member.type) {
      case 'file': {
        const fd = openSync(pathOf(path), CREATE, member.mode & 0o777);
        this.#file = { fd, path, member, content: new FileContent(fd) };
        return;
      }
      case 'hardlink': {
        const parts = hardLinkComponents(member);
        const last = parts.pop() ?? '';
        const source = below(this.#directories.resolveParent(member.name, parts), last);
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
    const parent = this.#directories.resolveParent(name, parents);
    if (whiteout.kind === 'opaque') {
      this.#directories.makeOpaque(parent);
      return;
    }
    const path = below(parent, whiteout.name);
    const info = lstatSync(pathOf(path), { throwIfNoEntry: false });
    // What the layer itself has under that name is not meant, but a directory shows nothing of the one below.
    if (info === undefined) hideName(parent, whiteout.name);
    else if (info.isDirectory()) this.#directories.makeOpaque(path);
  }

  #finishSpecial(path: string, member: Member): void {
    this.#metadata.setOwner(member, (uid, gid) => lchownSync(pathOf(path), uid, gid));
    this.#metadata.setAttributes(path, member);
    const time = timeOf(member);
    lutimesSync(pathOf(path), time, time);
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
    this.#skippedDevices++;
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

/** Node takes a negative number for the present; not so in a Date. */
function timeOf({ mtime }: Member): number | Date {
  return mtime < 0 ? new Date(mtime * 1000) : mtime;
}

function explained(member: Member, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (error instanceof FosterError || code === undefined) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(
    `cannot unpack the tar member ${shown(member.name)}: ${errnoWords(errnoNumber(code))}`,
    full
      ? { advice: 'free some space on the disk, or set XDG_DATA_HOME to a folder on another' }
      : { cause: error },
  );
}
