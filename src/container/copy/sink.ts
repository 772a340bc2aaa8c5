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
  readdirSync,
  rmdirSync,
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
  openPath,
  reopen,
  resolveTarget,
} from './paths.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
const SET_IDS = 0o6000;
/** Maximum depth: each level needs a descriptor. */
const MAX_DEPTH = 500;

export interface SinkOptions {
  /** Whether it is an arbitrary archive, to be unpacked in the directory; otherwise one of writeArchive. */
  isStream: boolean;
  /** Whether to keep the owners in the archive. */
  keepOwners: boolean;
  /** Whether to keep what gives rights to those who run a file: set-user-ID and set-group-ID bits, capabilities. */
  keepSetIds: boolean;
  /** Whether a directory can replace another file, and the other way round. */
  overwrite?: boolean;
}

/** Where the members of the archive are written. */
interface Destination {
  /** Descriptor of an existing directory. */
  directory: number;
  /** Components to put before their names, and how many of their own components to drop. */
  prefix: string[];
  dropped: number;
}

interface OpenDirectory {
  name: string;
  fd: number;
  /** Its attributes, which are set at the end: writing changes its times, and its mode may forbid writing. */
  member: Member | undefined;
}

/**
 * Writes the members of an archive to a path. Every directory is opened by its name in its parent, and no symbolic link
 * is followed, so nothing is written elsewhere, whatever is in the archive and however the tree changes meanwhile. The
 * destination follows Docker's rules for cp, which depend on the first member.
 */
export class CopySink implements TarSink {
  /** Number of files that belong to root because their owner is not mapped. */
  lostOwners = 0;
  /** Number of devices. */
  skipped = 0;
  readonly #target: CopyPath;
  readonly #options: SinkOptions;
  #landing: Destination | undefined;
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

  /** Must be called after the last member. */
  finish(): void {
    this.#leave(0);
  }

  /** Closes open files, also after an error. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    for (const { fd } of this.#open) closeSync(fd);
    if (this.#landing !== undefined) closeSync(this.#landing.directory);
    this.#file = undefined;
    this.#open.length = 0;
    this.#landing = undefined;
  }

  #explained(member: Member, error: unknown): unknown {
    const path = this.#target.side.describe(this.#target.text);
    return copyError(`write ${quotedName(member.name)} to ${path}`, error);
  }

  #land(first: Member): Destination {
    const target = this.#target;
    const name = target.side.describe(target.text);
    const opened = openPath(target);
    try {
      if (opened?.info.isDirectory()) return this.#landIn(opened.fd, first);
      if (this.#options.isStream) {
        throw invalid(
          `cannot unpack an archive in ${name}: ${opened ? 'it is not a directory' : 'the directory does not exist'}`,
        );
      }
      if (opened !== undefined && first.type === 'directory' && !this.#options.overwrite) {
        throw invalid(`cannot copy a directory to ${name}: it is a file`);
      }
      if (target.isDirectory && first.type !== 'directory') {
        throw invalid(
          `cannot copy to ${name}: ${opened ? 'it is not a directory' : 'the directory does not exist'}`,
        );
      }
      return this.#landAs(first);
    } finally {
      if (opened !== undefined) closeSync(opened.fd);
    }
  }

  #landIn(place: number, first: Member): Destination {
    const directory = reopen(place, O_RDONLY | O_DIRECTORY);
    const parts = nameComponents(first.name);
    const isContent = this.#options.isStream || parts.length === 0;
    return isContent
      ? { directory, prefix: [], dropped: 0 }
      : { directory, prefix: parts.slice(0, 1), dropped: 1 };
  }

  /** Gives the first member the name at the end of the destination's path. */
  #landAs(first: Member): Destination {
    const dropped = Math.min(nameComponents(first.name).length, 1);
    const target = this.#target;
    try {
      const { directory, name } = first.type === 'directory' ? here(target) : resolveTarget(target);
      return { directory, prefix: [name], dropped };
    } catch (error) {
      if (errnoOfAny(error) !== 'ENOENT') throw error;
      throw invalid(
        `cannot copy to ${target.side.describe(target.text)}: its parent directory does not exist`,
      );
    }
  }

  #create(member: Member, landing: Destination): void {
    const parts = this.#components(nameComponents(member.name), landing);
    const last = parts.pop();
    if (last === undefined) {
      // An existing destination keeps its attributes.
      this.#leave(0);
      if (member.type === 'directory') return;
      throw invalid(
        `the archive has ${quotedName(member.name)}, which stands for the whole archive but is not a directory`,
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

  #components(parts: string[], { prefix, dropped }: Destination): string[] {
    return [...prefix, ...parts.slice(dropped)];
  }

  /** Removes an existing file. Returns false if it must be overwritten in place. */
  #makeRoom(path: string | Buffer, existing: Stats, member: Member): boolean {
    if (existing.isDirectory()) {
      if (!this.#options.overwrite)
        throw invalid(`cannot overwrite a directory with ${quotedName(member.name)}`);
      removeDirectory(path);
      return true;
    }
    if (!existing.isFile() && !existing.isSymbolicLink()) {
      throw invalid(`cannot overwrite a special file with ${quotedName(member.name)}`);
    }
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (errnoOfAny(error) !== 'EBUSY' || member.type !== 'file' || !existing.isFile()) throw error;
    }
    // It is a mount point, such as /etc/hosts: its content can be replaced, but not the file.
    const fd = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_TRUNC);
    this.#file = { fd, member, content: new FileContent(fd) };
    return false;
  }

  #make(path: string | Buffer, member: Member, landing: Destination): void {
    switch (member.type) {
      case 'file': {
        const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        this.#file = { fd, member, content: new FileContent(fd) };
        return;
      }
      case 'hardlink': {
        const parts = this.#components(hardLinkComponents(member), landing);
        const name = parts.pop() ?? '';
        // Its directory may be different from the link's, which is open.
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
          throw invalid(`${quotedName(member.name)} is a symbolic link without a target`);
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
      const isOther = code === 'ENOTDIR' || code === 'ELOOP';
      if (isOther && !this.#options.overwrite) {
        throw invalid(`cannot overwrite a file or link with the directory ${quotedName(member.name)}`);
      }
      if (isOther) unlinkSync(path);
      else if (code !== 'ENOENT') throw error;
      mkdirSync(path, 0o700);
      fd = openDirectory(path);
    }
    this.#push({ name, fd, member });
  }

  /** Opens the directory with these names below the destination; creates it if it is missing. */
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
   * An archive for `-` may contain `lib/x` while in the container `lib` is a link to `usr/lib`. The link is followed as
   * in the container, so it leads only to the container's own files.
   */
  #followLink(name: string): number {
    const names = [...this.#open.map((each) => each.name), name];
    const below = Buffer.from(names.join('/'), 'latin1').toString();
    return this.#target.side.open(`${this.#target.path}/${below}`, O_RDONLY | O_DIRECTORY);
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
    if (this.#open.length > MAX_DEPTH)
      throw invalid(`cannot write directories nested more than ${MAX_DEPTH} deep`);
  }

  /** Closes directories until only `count` are open. */
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
    setAttributes(fd, member, keepsIds); // last: a change of owner removes security.capability
    futimesSync(fd, member.mtime, member.mtime);
  }

  /** Returns whether the file has the right owner. */
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

/** Sets the attributes that the owner and the file system permit. */
function setAttributes(fd: number, { xattrs }: Member, keepsCapabilities: boolean): void {
  for (const [name, value] of xattrs) {
    if (!isKeptAttribute(name) || (name === 'security.capability' && !keepsCapabilities)) continue;
    try {
      setExtendedAttribute(fd, name, Buffer.from(value, 'latin1'));
    } catch (error) {
      if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL'].includes(errnoOfAny(error) ?? '')) throw error;
    }
  }
}

/** Opens each directory by its name in its parent, so that nothing else is removed, however the tree changes meanwhile. */
function removeDirectory(path: string | Buffer, depth = 0): void {
  if (depth > MAX_DEPTH) throw invalid(`cannot remove directories nested more than ${MAX_DEPTH} deep`);
  const fd = openDirectory(path);
  try {
    for (const name of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' })) {
      const entry = entryPath(fd, name);
      if (lstatSync(entry, { throwIfNoEntry: false })?.isDirectory()) removeDirectory(entry, depth + 1);
      else unlinkSync(entry);
    }
  } finally {
    closeSync(fd);
  }
  rmdirSync(path);
}

function here(target: CopyPath): { directory: number; name: string } {
  return { directory: openParent(target), name: baseName(target.path) };
}

function openDirectory(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

function invalid(message: string): FosterError {
  return new FosterError(message, { exitCode: 1 });
}
