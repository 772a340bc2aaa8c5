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
import { hardLinkComponents, type Member, nameComponents, pathOf, quotedName } from '../tar/member.js';
import type { TarSink } from '../tar/reader.js';
import { TreeDirectories } from './directories.js';
import { FileContent } from './file-content.js';
import { MemberMetadata } from './member-metadata.js';
import { writeWhiteout } from './overlay-whiteouts.js';
import { type Whiteout, whiteoutOf } from './whiteout.js';

/** What was unpacked, and what was lost. */
export interface Written {
  members: number;
  /** Device nodes in /dev, which only root can create; a container has its own /dev. */
  skippedDevices: number;
  /** Extended attributes that the file system or the user cannot set. */
  lostAttributes: number;
  /** Members whose owner is not mapped, so that they belong to root. */
  lostOwners: number;
  /** Whether a layer hides all layers below. */
  isOpaque: boolean;
}

/** Space that is left free: a completely full disk makes a machine hard to use. */
const RESERVED_BYTES = 64 * 1024 * 1024;
const CHECK_SPACE_EVERY = 64 * 1024 * 1024;

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const SET_IDS = 0o6000;

/**
 * Writes the members of an archive below `/`, which the caller has made the tree with chroot. The parents of a member
 * are resolved here, component by component, so that nothing is written through an unexpected symbolic link; if that
 * failed, the changed root would still contain it. No other process writes to the tree.
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
   * @param options.hasOneOwner whether only one id is mapped, so that everything belongs to root
   * @param options.isLayer whether to convert whiteouts of the image-spec to those of overlayfs
   * @param options.merges whether the tree has files already, which stay where the archive has none of that name
   */
  constructor(options: { hasOneOwner: boolean; isLayer: boolean; merges?: boolean }) {
    this.#isLayer = options.isLayer;
    this.#directories = new TreeDirectories(options.isLayer, options.merges);
    this.#metadata = new MemberMetadata(options.hasOneOwner);
    if (!options.merges) chownSync('/', 0, 0); // so far it belongs to the caller, who may have another id in the container
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

  /** Size of all holes: bytes of files that the archive does not contain. */
  get holes(): number {
    return this.#holes;
  }

  member(member: Member): void {
    this.#members++;
    try {
      this.#create(member);
    } catch (error) {
      throw explainError(member, error);
    }
  }

  data(piece: Buffer): void {
    if (this.#file === undefined) return;
    const { content, member } = this.#file;
    try {
      content.write(piece);
      this.#unchecked += piece.length;
      if (this.#unchecked >= CHECK_SPACE_EVERY) this.#checkSpace();
    } catch (error) {
      throw explainError(member, error);
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
      throw explainError(member, error);
    } finally {
      closeSync(fd);
    }
  }

  /** Must be called after the last member. */
  finish(): void {
    for (const [path, member] of this.#directories.described()) {
      try {
        this.#metadata.setOwner(member, (uid, gid) => chownSync(pathOf(path), uid, gid));
        this.#metadata.setAttributes(path, member);
        chmodSync(pathOf(path), member.mode);
        const time = timeOf(member);
        utimesSync(pathOf(path), time, time);
      } catch (error) {
        throw explainError(member, error);
      }
    }
  }

  /** Closes open files, also after an error. */
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
          `the tar member ${quotedName(member.name)} stands for the whole tree but is not a directory`,
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
      this.#directories.remove(path); // the last of several members with the same name wins
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
        if (source === path) return; // a link to itself, which some archivers write
        this.#link(member, source, path);
        return;
      }
      case 'symlink':
        if (member.target === '' || member.target.includes('\0')) {
          throw new FosterError(
            `the tar member ${quotedName(member.name)} is a symbolic link without a target`,
          );
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
        `the tar member ${quotedName(member.name)} is a hard link to ${quotedName(member.target)}, which is not in the same layer`,
        { cause: error },
      );
    }
  }

  /** Hides files of the layers below: kernel documentation, overlayfs, "whiteouts and opaque directories". */
  #whiteOut({ name }: Member, parents: string[], whiteout: Whiteout): void {
    if (whiteout.kind === 'nothing') return;
    const parent = this.#directories.resolveParent(name, parents);
    if (whiteout.kind === 'opaque') {
      this.#directories.makeOpaque(parent);
      return;
    }
    const path = below(parent, whiteout.name);
    const info = lstatSync(pathOf(path), { throwIfNoEntry: false });
    // A whiteout does not remove the layer's own file of that name, but its directory hides the one below.
    if (info === undefined) writeWhiteout(parent, whiteout.name);
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
        `the tar member ${quotedName(member.name)} is a device node, which only root can create`,
        {
          advice: 'remove it from the archive: foster gives containers their devices',
        },
      );
    }
    this.#skippedDevices++;
  }

  #checkSpace(): void {
    this.#unchecked = 0;
    const { bavail, bsize } = statfsSync('/');
    if (bavail * bsize < RESERVED_BYTES) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
  }
}

function below(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** A Date, because Node takes negative numbers for the present time. */
function timeOf({ mtime }: Member): number | Date {
  return mtime < 0 ? new Date(mtime * 1000) : mtime;
}

function explainError(member: Member, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (error instanceof FosterError || code === undefined) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(
    `cannot unpack the tar member ${quotedName(member.name)}: ${errnoWords(errnoNumber(code))}`,
    full
      ? { advice: 'free some space on the disk, or set XDG_DATA_HOME to a folder on another' }
      : { cause: error },
  );
}
