import {
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statfsSync,
} from 'node:fs';
import { keptAttributes } from '../../layers/kept-attributes.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { type Member, quotedName } from '../../tar/member.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import {
  baseName,
  type CopyPath,
  copyError,
  entryPath,
  openParent,
  openPath,
  reopen,
  withOpen,
} from './paths.js';

const O_PATH = 0o10000000;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_DIRECTORY } = constants;

const CHUNK = 1024 * 1024;
/** Maximum depth: each level needs a descriptor. */
const MAX_DEPTH = 500;
/** Limit for the number of remembered files with several names. */
const MAX_LINKED = 1_000_000;
/** Limit for reading files of the kernel, whose size is 0. */
const MAX_UNSIZED = 1024 * 1024;

/** Magic numbers of statfs(2): proc, sysfs, cgroup2, cgroup, devpts, mqueue. */
const KERNEL_FILESYSTEMS = new Set([0x9fa0, 0x62656572, 0x63677270, 0x27e0eb, 0x1cd1, 0x19800202]);

/** Receives the archive; the bytes are valid only during the call. */
export type Write = (bytes: Buffer) => void;

/**
 * Writes the file or directory at `source` as a tar archive. Every file is opened by its name in an open directory, and
 * checked before it is read, so concurrent changes of the tree do no harm.
 * @returns how many devices and sockets were skipped
 * @throws FosterError, or Node's error EPIPE
 */
export function writeArchive(source: CopyPath, options: { followLink: boolean }, write: Write): number {
  const walk = new Walk(source, write);
  try {
    const isLink = !options.followLink && !source.isDirectory;
    const opened = openPath(source, isLink ? O_NOFOLLOW : 0);
    if (opened === undefined) throw notFound(source);
    withOpen(opened.fd, (fd) => {
      if (source.isDirectory && !opened.info.isDirectory()) {
        throw new FosterError(`cannot copy ${source.side.describe(source.text)}: it is not a directory`, {
          exitCode: 1,
        });
      }
      const name = source.isContent ? '.' : baseName(source.path);
      // The target of a link can only be read by the link's name in its directory.
      const target = () =>
        withOpen(openParent(source), (parent) => readTarget(parent, baseName(source.path)));
      walk.any(fd, opened.info, name, target);
    });
    write(TAR_END);
    return walk.skipped;
  } catch (error) {
    if (errnoOfAny(error) === 'EPIPE') throw error; // not an error of the source
    throw copyError(`copy ${source.side.describe(source.text)}`, error);
  }
}

export function notFound({ side, text }: CopyPath): FosterError {
  return new FosterError(`cannot copy ${side.describe(text)}: no such file or directory (ENOENT)`, {
    exitCode: 1,
  });
}

function readTarget(directory: number, name: string): string {
  return readlinkSync(entryPath(directory, name), { encoding: 'latin1' });
}

class Walk {
  skipped = 0;
  readonly #source: CopyPath;
  readonly #write: Write;
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);
  /** First names of files with several names, by device and inode. */
  readonly #linked = new Map<string, string>();
  #level = 0;
  /** The device on which the walk started. */
  #device: number | undefined;

  constructor(source: CopyPath, write: Write) {
    this.#source = source;
    this.#write = write;
  }

  /**
   * @param fd O_PATH
   * @param name in the archive
   */
  any(fd: number, info: Stats, name: string, readLink: () => string): void {
    if (info.isDirectory()) this.#directory(fd, info, name);
    else if (info.isFile()) this.#file(fd, info, name);
    else if (info.isSymbolicLink()) this.#member(name, 'symlink', info, { target: readLink() });
    else if (info.isFIFO()) this.#member(name, 'fifo', info);
    else this.skipped++;
  }

  #directory(fd: number, info: Stats, name: string): void {
    if (++this.#level > MAX_DEPTH) {
      throw new FosterError(
        `cannot copy ${quotedName(name)}: directories are nested more than ${MAX_DEPTH} deep`,
        { exitCode: 1 },
      );
    }
    withOpen(this.#reopen(fd, name, O_RDONLY | O_DIRECTORY), (directory) => {
      this.#member(name, 'directory', info, { opened: directory });
      if (this.#isOfKernel(directory, info)) return;
      const entries = opendirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' as BufferEncoding });
      try {
        for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
          this.#entry(directory, (entry.name as unknown as Buffer).toString('latin1'), name);
        }
      } finally {
        entries.closeSync();
      }
    });
    this.#level--;
  }

  /** Whether to skip a mount such as /proc, whose files are not worth copying unless they are requested by name. */
  #isOfKernel(directory: number, { dev }: Stats): boolean {
    this.#device ??= dev;
    return dev !== this.#device && KERNEL_FILESYSTEMS.has(statfsSync(`/proc/self/fd/${directory}`).type);
  }

  #entry(directory: number, entry: string, parent: string): void {
    let fd: number;
    try {
      fd = openSync(entryPath(directory, entry), O_PATH | O_NOFOLLOW);
    } catch (error) {
      if (errnoOfAny(error) === 'ENOENT') return; // deleted meanwhile
      throw error;
    }
    withOpen(fd, () => {
      this.any(fd, fstatSync(fd), `${parent}/${entry}`, () => readTarget(directory, entry));
    });
  }

  #file(fd: number, info: Stats, name: string): void {
    const key = info.nlink > 1 ? `${info.dev}:${info.ino}` : undefined;
    const first = key === undefined ? undefined : this.#linked.get(key);
    if (first !== undefined) {
      this.#member(name, 'hardlink', info, { target: first });
      return;
    }
    withOpen(this.#reopen(fd, name, O_RDONLY | O_NONBLOCK), (file) => {
      if (info.size === 0) this.#unsized(file, info, name);
      else this.#sized(file, info, name);
    });
    if (key !== undefined && this.#linked.size < MAX_LINKED) this.#linked.set(key, name);
  }

  #unsized(file: number, info: Stats, name: string): void {
    let size = 0;
    for (let read = -1; read !== 0 && size < MAX_UNSIZED; size += read) {
      read = readSync(file, this.#buffer, size, MAX_UNSIZED - size, size);
    }
    this.#member(name, 'file', info, { size, opened: file });
    this.#write(this.#buffer.subarray(0, size));
    this.#write(tarPadding(size));
  }

  #sized(file: number, info: Stats, name: string): void {
    const { size } = info;
    this.#member(name, 'file', info, { size, opened: file });
    for (let left = size; left > 0; ) {
      const read = readSync(file, this.#buffer, 0, Math.min(left, CHUNK), size - left);
      if (read === 0) {
        throw new FosterError(`cannot copy ${quotedName(name)}: it became shorter while it was read`, {
          exitCode: 1,
        });
      }
      this.#write(this.#buffer.subarray(0, read));
      left -= read;
    }
    this.#write(tarPadding(size));
  }

  #reopen(fd: number, name: string, flags: number): number {
    try {
      return reopen(fd, flags);
    } catch (error) {
      throw copyError(`read ${this.#source.side.describe(Buffer.from(name, 'latin1').toString())}`, error);
    }
  }

  /** @param opened descriptor for reading extended attributes */
  #member(
    name: string,
    type: Member['type'],
    info: Stats,
    { size = 0, target = '', opened }: { size?: number; target?: string; opened?: number } = {},
  ): void {
    const { uid, gid, mtimeMs } = info;
    const mode = info.mode & 0o7777;
    const isDirectory = type === 'directory';
    const member: Member = {
      name: isDirectory ? `${name}/` : name,
      type,
      target,
      mode,
      uid,
      gid,
      size,
      mtime: mtimeMs / 1000,
      xattrs: opened === undefined ? new Map() : keptAttributes(opened),
    };
    this.#write(tarHeader(member));
  }
}
