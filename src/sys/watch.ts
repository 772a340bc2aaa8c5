import { closeSync, readSync } from 'node:fs';
import { call, SystemCallError } from './ffi.js';
import { waitFor, waitUntilReadable } from './poll.js';

const IN_MODIFY = 0x02;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_MOVED_TO = 0x80;
const IN_DELETE_SELF = 0x400;
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;

/** Milliseconds between checks without inotify. */
const POLL_INTERVAL = 25;

/**
 * Waits for changes in a folder, with inotify(7).
 */
export class FolderWatch {
  readonly #fd: number | undefined;
  readonly #events = Buffer.alloc(64 * 1024);

  constructor(folder: string) {
    this.#fd = watch(folder);
  }

  /**
   * Returns when something in the folder has changed since the last call, or after `timeout` milliseconds. It may
   * return without a change. Changes between calls are not missed.
   */
  async wait(timeout: number): Promise<void> {
    if (this.#fd === undefined) await waitFor(Math.min(timeout, POLL_INTERVAL));
    else if (await waitUntilReadable(this.#fd, timeout)) this.#forget(this.#fd);
  }

  /** Discards the events: the caller checks what has changed. */
  #forget(fd: number): void {
    try {
      readSync(fd, this.#events);
    } catch {
      // EAGAIN: no events
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

/** undefined if the user's limit of inotify instances is reached, or the folder is gone. */
function watch(folder: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = call('int inotify_init1(int flags)', IN_NONBLOCK | IN_CLOEXEC);
    const mask = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF;
    call('int inotify_add_watch(int fd, const char *path, uint32_t mask)', fd, folder, mask);
    return fd;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }
}
