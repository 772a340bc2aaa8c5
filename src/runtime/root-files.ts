import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { openInRoot } from '../sys/libc.js';

const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;

/** A root file system, opened: what is read from it never leads out of it. */
export class RootFiles {
  readonly #fd: number;

  /** @param path the tree, a directory of the host */
  constructor(path: string) {
    this.#fd = openSync(path, O_PATH);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The text of a file, its first MiB at the most; '' where there is no such regular file or it cannot be read. */
  read(path: string): string {
    let fd: number;
    try {
      fd = openInRoot(this.#fd, path, O_NONBLOCK);
    } catch {
      return '';
    }
    try {
      const info = fstatSync(fd);
      if (!info.isFile()) return '';
      const buffer = Buffer.alloc(Math.min(info.size, 1024 * 1024));
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(fd);
    }
  }

  /** Whether the last part of an absolute path is a symbolic link. */
  isLink(path: string): boolean {
    const slash = path.lastIndexOf('/');
    let folder: number;
    try {
      folder = openInRoot(this.#fd, path.slice(0, slash) || '/', O_PATH);
    } catch {
      return false;
    }
    try {
      return lstatSync(`/proc/self/fd/${folder}/${path.slice(slash + 1)}`).isSymbolicLink();
    } catch {
      return false;
    } finally {
      closeSync(folder);
    }
  }
}
