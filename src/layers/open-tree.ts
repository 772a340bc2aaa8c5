import { closeSync, constants } from 'node:fs';
import { openBeneath } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';

const DIRECTORY = 0o10000000 | constants.O_DIRECTORY; // O_PATH

/**
 * A tree that other processes may change at any moment, used by a process that sees more than the tree: every directory
 * is opened with openat2(2), which follows no link. Names are relative to the top and have one character for each byte.
 */
export class OpenTree {
  readonly #top: number;
  /** The directory of the last call: most calls are for many files of one directory. */
  #last: { name: string; fd: number } | undefined;

  /** @param top descriptor of the directory; closed by `close` */
  constructor(top: number) {
    this.#top = top;
  }

  close(): void {
    this.#leave();
    closeSync(this.#top);
  }

  /**
   * A path for Node's functions, valid until the next call. Use it only with calls that do not follow links. @param
   * name '' for the top; with a slash at the end it must be a directory
   * @throws SystemCallError if its parent is not a directory any more
   */
  path(name: string): string | Buffer {
    const slash = name.lastIndexOf('/');
    const fd = slash < 0 ? this.#top : this.#directory(name.slice(0, slash));
    return pathOf(`/proc/self/fd/${fd}/${name.slice(slash + 1) || '.'}`);
  }

  #directory(name: string): number {
    if (this.#last?.name === name) return this.#last.fd;
    this.#leave();
    const fd = openBeneath(this.#top, pathOf(name), DIRECTORY);
    this.#last = { name, fd };
    return fd;
  }

  #leave(): void {
    if (this.#last !== undefined) closeSync(this.#last.fd);
    this.#last = undefined;
  }
}
