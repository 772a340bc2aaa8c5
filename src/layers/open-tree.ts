import { closeSync, constants } from 'node:fs';
import { openBeneath } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';

const DIRECTORY = 0o10000000 | constants.O_DIRECTORY; // O_PATH

/**
 * A tree that somebody else may change at any moment, seen by a process that could be led out of it: every directory is
 * opened by openat2(2), which follows no link. Names are relative to the top, one character for each byte.
 */
export class OpenTree {
  readonly #top: number;
  /** Mostly one is asked for many files of the same directory. */
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
   * A path for Node's functions, good until the next call. Of the file itself a call that does not follow links is to be
   * made. @param name '' for the top; with a slash at its end it must be a directory
   * @throws SystemCallError where what it is in is no directory now
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
