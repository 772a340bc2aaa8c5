import { syncFilesystem } from '../sys/libc.js';

/** How many bytes may be unpacked before they are written to the disk. */
const MAX_UNWRITTEN = 32 * 1024 * 1024;

/**
 * Has a tree written to the disk while it is unpacked, by another thread. The kernel would wait half a minute, so the flush
 * before a tree gets its name would have to wait for all of it.
 */
export class EarlyFlush {
  readonly #tree: number;
  #unwritten = 0;
  #flushing: Promise<void> | undefined;
  #failure: unknown;

  /** @param tree descriptor of the tree, open until `end` */
  constructor(tree: number) {
    this.#tree = tree;
  }

  /** Reports that bytes were unpacked. @throws the error of an earlier flush */
  wrote(size: number): void {
    this.check();
    this.#unwritten += size;
    if (this.#unwritten < MAX_UNWRITTEN || this.#flushing !== undefined) return;
    this.#unwritten = 0;
    this.#flushing = syncFilesystem(this.#tree)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#flushing = undefined;
      });
  }

  /** @throws the error of a flush that has ended */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits for a flush that is running. */
  async end(): Promise<void> {
    await this.#flushing;
  }
}
