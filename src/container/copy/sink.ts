import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { FileContent } from '../../layers/file-content.js';
import { isKeptAttribute } from '../../layers/kept-attributes.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { makeFifo, setExtendedAttribute } from '../../sys/libc.js';
import { hardLinkComponents, type Member, nameComponents, pathOf, quotedName } from '../../tar/member.js';
import type { TarSink } from '../../tar/reader.js';
import {
  baseName,
  type CopyPath,
  copyError,
  entryPath,
  openParent,
  openPlace,
  reopen,
  resolveTarget,
} from './place.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
const SET_IDS = 0o6000;
/** Each level holds a descriptor. */
const MOST_LEVELS = 500;

export interface SinkOptions {
  /** Any archive, to be unpacked in the directory; else one of writeArchive's. */
  isStream: boolean;
  /** Give files to the users and groups that the archive names. */
  keepOwners: boolean;
  /** Keep the bits that make a program run as its owner. */
  keepSetIds: boolean;
}

/** Where the members of the archive go. */
interface Landing {
  /** A directory that exists. */
  directory: number;
  /** What their names begin with there, and how many of their own components that replaces. */
  prefix: string[];
  dropped: number;
}

interface OpenDirectory {
  name: string;
  fd: number;
  /** What it gets when all is in it: writing changes its times, and its mode may forbid it. */
  member: Member | undefined;
}

/**
 * Writes the members of an archive to a place. Every directory is opened by its name in the one above, and no symbolic
 * link is followed: so nothing is written elsewhere, whatever is in the archive and whatever somebody else makes of the
 * tree meanwhile. What the destination itself is follows Docker's rules for cp, which depend on the first member.
 */
export class CopySink implements TarSink {
  /** Files that belong to root, as their owner is not mapped. */
  lostOwners = 0;
  /** Devices. */
  skipped = 0;
  readonly #target: CopyPath;
  readonly #options: SinkOptions;
  #landing: Landing | undefined;
  readonly #open: OpenDirectory[] = [];
  #file: { fd: number; member: Member; content: FileContent } | undefined;

  constructor(target: CopyPath, options: SinkOptions) {
    this.#target = target;
    this.#options = options;
  }

  member(member: Member): void {
    try {
      this.#landing ??= this.#land(member);
      this.#create(member, this.#landing);
    } catch (error) {
      throw this.#explained(member, error);
    }
  }

  data(piece: Buffer): void {
    if (this.#file === undefined) return;
    const { content, member } = this.#file;
    try {
      content.write(piece);
    } catch (error) {
      throw this.#explained(member, error);
    }
  }

  hole(size: number): void {
    this.#file?.content.hole(size);
  }

  endOfMember(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      file.content.end();
      this.#finish(file.fd, file.member);
    } catch (error) {
      throw this.#explained(file.member, error);
    } finally {
      closeSync(file.fd);
    }
  }

  /** To be called when all members are written. */
  finish(): void {
    this.#leave(0);
  }

  /** Closes what is open, also after an error. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    for (const { fd } of this.#open) closeSync(fd);
    if (this.#landing !== undefined) closeSync(this.#landing.directory);
    this.#file = undefined;
    this.#open.length = 0;
    this.#landing = undefined;
  }

  #explained(member: Member, error: unknown): unknown {
    const path = this.#target.place.show(this.#target.text);
    return copyError(`write ${quotedName(member.name)} to ${path}`, error);
  }

  #land(first: Member): Landing {
    const target = this.#target;
    const name = target.place.show(target.text);
    const opened = openPlace(target);
    try {
      if (opened?.info.isDirectory()) return this.#landIn(opened.fd, first);
      if (this.#options.isStream) {
        throw refused(
          `cannot unpack an archive in ${name}: it is ${opened ? 'not a' : 'no existing'} directory`,
        );
      }
      if (opened !== undefined && first.type === 'directory') {
        throw refused(`cannot copy a directory to ${name}: it is a file`);
      }
      if (target.isDirectory && first.type !== 'directory') {
        throw refused(`cannot copy to ${name}: it is ${opened ? 'not a' : 'no existing'} directory`);
      }
      return this.#landAs(first);
    } finally {
      if (opened !== undefined) closeSync(opened.fd);
    }
  }

  #landIn(place: number, first: Member): Landing {
    const directory = reopen(place, O_RDONLY | O_DIRECTORY);
    const parts = nameComponents(first.name);
    const isContent = this.#options.isStream || parts.length === 0;
    return isContent
      ? { directory, prefix: [], dropped: 0 }
      : { directory, prefix: parts.slice(0, 1), dropped: 1 };
  }

  /** The first member gets the name that the destination's path ends with. */
  #landAs(first: Member): Landing {
    const dropped = Math.min(nameComponents(first.name).length, 1);
    const target = this.#target;
    try {
      const { directory, name } = first.type === 'directory' ? here(target) : resolveTarget(target);
      return { directory, prefix: [name], dropped };
    } catch (error) {
      if (errnoOfAny(error) !== 'ENOENT') throw error;
      throw refused(`cannot copy to ${target.place.show(target.text)}: its parent directory does not exist`);
    }
  }

  #create(member: Member, landing: Landing): void {
    const parts = this.#components(nameComponents(member.name), landing);
    const last = parts.pop();
    if (last === undefined) {
      // The destination itself, which was there before, stays as it is.
      this.#leave(0);
      if (member.type === 'directory') return;
      throw refused(
        `the archive has ${quotedName(member.name)}, which stands for the whole of it but is no directory`,
      );
    }
    if (member.type === 'device') {
      this.skipped++;
      return;
    }
    const parent = this.#enter(parts);
    if (member.type === 'directory') {
      this.#makeDirectory(parent, last, member);
      return;
    }
    const path = entryPath(parent, last);
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (existing !== undefined && !this.#makeRoom(path, existing, member)) return;
    this.#make(path, member, landing);
  }

  #components(parts: string[], { prefix, dropped }: Landing): string[] {
    return [...prefix, ...parts.slice(dropped)];
  }

  /** Removes what is in the way. Returns false where the file is to be written in place. */
  #makeRoom(path: string | Buffer, existing: Stats, member: Member): boolean {
    if (existing.isDirectory()) throw refused(`cannot overwrite a directory with ${quotedName(member.name)}`);
    if (!existing.isFile() && !existing.isSymbolicLink()) {
      throw refused(`cannot overwrite what is no regular file with ${quotedName(member.name)}`);
    }
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (errnoOfAny(error) !== 'EBUSY' || member.type !== 'file' || !existing.isFile()) throw error;
    }
    // Something is mounted on it: /etc/hosts, for instance. Its content can be replaced, it cannot.
    const fd = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_TRUNC);
    this.#file = { fd, member, content: new FileContent(fd) };
    return false;
  }

  #make(path: string | Buffer, member: Member, landing: Landing): void {
    switch (member.type) {
      case 'file': {
        const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        this.#file = { fd, member, content: new FileContent(fd) };
        return;
      }
      case 'hardlink': {
        const parts = this.#components(hardLinkComponents(member), landing);
        const name = parts.pop() ?? '';
        // Its directory may be another one than the link's, which is open.
        const source = this.#walk(landing.directory, parts);
        try {
          linkSync(entryPath(source, name), path);
        } finally {
          if (source !== landing.directory) closeSync(source);
        }
        return;
      }
      case 'symlink':
        if (member.target === '' || member.target.includes('\0'))
          throw refused(`${quotedName(member.name)} is a symbolic link to nothing`);
        symlinkSync(pathOf(member.target), path);
        break;
      default:
        makeFifo(path, member.mode & 0o777);
    }
    this.#own(member, (uid, gid) => lchownSync(path, uid, gid));
    lutimesSync(path, member.mtime, member.mtime);
  }

  #makeDirectory(parent: number, name: string, member: Member): void {
    const path = entryPath(parent, name);
    let fd: number;
    try {
      fd = openDirectory(path);
    } catch (error) {
      const code = errnoOfAny(error);
      if (code === 'ENOTDIR' || code === 'ELOOP') {
        throw refused(
          `cannot overwrite what is not a directory with the directory ${quotedName(member.name)}`,
        );
      }
      if (code !== 'ENOENT') throw error;
      mkdirSync(path, 0o700);
      fd = openDirectory(path);
    }
    this.#push({ name, fd, member });
  }

  /** The directory with these names below the landing, made where it is missing. */
  #enter(parts: string[]): number {
    let common = 0;
    while (common < parts.length && this.#open[common]?.name === parts[common]) common++;
    this.#leave(common);
    for (const name of parts.slice(common)) {
      const path = entryPath(this.#top(), name);
      let fd: number;
      try {
        fd = openDirectory(path);
      } catch (error) {
        const code = errnoOfAny(error);
        if (code === 'ENOENT') {
          mkdirSync(path, 0o755);
          fd = openDirectory(path);
        } else if ((code === 'ENOTDIR' || code === 'ELOOP') && this.#options.isStream) {
          fd = this.#followLink(name);
        } else throw error;
      }
      this.#push({ name, fd, member: undefined });
    }
    return this.#top();
  }

  /**
   * An archive for `-` may have `lib/x` where the container has `lib` as a link to `usr/lib`. The link is followed as a
   * process in the container would, which leads to nothing but the container's own files.
   */
  #followLink(name: string): number {
    const names = [...this.#open.map((each) => each.name), name];
    const below = Buffer.from(names.join('/'), 'latin1').toString();
    return this.#target.place.open(`${this.#target.path}/${below}`, O_RDONLY | O_DIRECTORY);
  }

  #walk(from: number, parts: string[]): number {
    let directory = from;
    for (const name of parts) {
      const next = openDirectory(entryPath(directory, name));
      if (directory !== from) closeSync(directory);
      directory = next;
    }
    return directory;
  }

  #top(): number {
    const fd = this.#open.at(-1)?.fd ?? this.#landing?.directory;
    if (fd === undefined) throw new Error('there is no directory to write to');
    return fd;
  }

  #push(directory: OpenDirectory): void {
    this.#open.push(directory);
    if (this.#open.length > MOST_LEVELS)
      throw refused(`cannot write more than ${MOST_LEVELS} directories in each other`);
  }

  /** Closes directories until so many are open. */
  #leave(count: number): void {
    while (this.#open.length > count) {
      const { fd, member } = this.#open.at(-1) as OpenDirectory;
      if (member !== undefined) this.#finish(fd, member);
      this.#open.pop();
      closeSync(fd);
    }
  }

  #finish(fd: number, member: Member): void {
    const isOwned = this.#own(member, (uid, gid) => fchownSync(fd, uid, gid));
    const keepsIds = this.#options.keepSetIds && isOwned;
    fchmodSync(fd, keepsIds || !fstatSync(fd).isFile() ? member.mode : member.mode & ~SET_IDS);
    setAttributes(fd, member); // last: a change of owner takes security.capability away
    futimesSync(fd, member.mtime, member.mtime);
  }

  /** Returns whether the file has the owner that it should. */
  #own({ uid, gid }: Member, change: (uid: number, gid: number) => void): boolean {
    if (!this.#options.keepOwners) return true;
    try {
      change(uid, gid);
      return true;
    } catch (error) {
      if (!['EINVAL', 'EPERM'].includes(errnoOfAny(error) ?? '')) throw error;
      this.lostOwners++;
      return false;
    }
  }
}

/** Those that a file of this owner, on this file system, can have. */
function setAttributes(fd: number, { xattrs }: Member): void {
  for (const [name, value] of xattrs) {
    if (!isKeptAttribute(name)) continue;
    try {
      setExtendedAttribute(fd, name, Buffer.from(value, 'latin1'));
    } catch (error) {
      if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL'].includes(errnoOfAny(error) ?? '')) throw error;
    }
  }
}

function here(target: CopyPath): { directory: number; name: string } {
  return { directory: openParent(target), name: baseName(target.path) };
}

function openDirectory(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

function refused(message: string): FosterError {
  return new FosterError(message, { exitCode: 1 });
}
