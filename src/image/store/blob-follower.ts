import { closeSync, openSync, readSync } from 'node:fs';

/** The bytes read so far are no longer a prefix of the blob. */
class DownloadRestarted extends Error {}

/**
 * Lets a reader follow a blob that is being downloaded into the store. The download reports how far it is; the reader
 * reads from the file what is there, so neither holds up the other.
 */
export class BlobFollower {
  /** Whether everything the reader got is from one download, whose digest is verified in the end. */
  isOneDownload = true;
  readonly #onProgress: (bytes: number) => void;
  #file: number | undefined;
  /** Bytes that have arrived. */
  size = 0;
  #state: 'waiting' | 'coming' | 'finished' = 'waiting';
  #hasStartedOver = false;
  #failure: { error: unknown } | undefined;
  #wake = () => {};
  #change = this.#nextChange();

  /** @param onProgress called with the number of bytes so far */
  constructor(onProgress: (bytes: number) => void = () => {}) {
    this.#onProgress = onProgress;
  }

  /**
   * The blob is written to this file, which has some bytes already if an earlier download was interrupted. Called again
   * if the download starts over.
   */
  start(path: string, size: number): void {
    if (this.#state === 'coming') this.#hasStartedOver = true;
    else this.#file = openSync(path, 'r');
    this.#state = 'coming';
    this.isOneDownload = size === 0 && !this.#hasStartedOver;
    this.grow(size);
  }

  /** Reports that `size` bytes can be read. */
  grow(size: number): void {
    this.size = size;
    this.#onProgress(size);
    this.#changed();
  }

  /** Reports that the blob is in the store and its digest is verified. */
  finish(): void {
    this.#state = 'finished';
    this.#changed();
  }

  /** Reports that the download has failed. The reader gets this error. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#changed();
  }

  /** Called when nothing more will be read. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Waits until the download has started. @returns false if the blob was in the store already */
  async hasStarted(): Promise<boolean> {
    while (this.#state === 'waiting') await this.#next();
    return this.#file !== undefined;
  }

  /** Waits until the blob is in the store. @throws the error of the download */
  async waitUntilFinished(): Promise<void> {
    while (this.#state !== 'finished') await this.#next();
  }

  /** Reads from the start of what has come. */
  readStart(size: number): Buffer {
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, readSync(this.file, buffer, 0, Math.min(size, this.size), 0));
  }

  /** Descriptor of the file, with an offset of its own; closed by `close`. The download must have started. */
  get file(): number {
    if (this.#file === undefined) throw new Error('the download has not started');
    return this.#file;
  }

  /**
   * Waits until the blob has more than so many bytes, or is complete and verified.
   * @returns false if it has no more
   * @throws the error of the download; an error if it started over (`isOneDownload`)
   */
  async isLongerThan(size: number): Promise<boolean> {
    while (this.size <= size && this.#state === 'coming' && !this.#hasStartedOver) await this.#next();
    this.#check();
    if (this.#hasStartedOver) throw new DownloadRestarted();
    return this.size > size;
  }

  async #next(): Promise<void> {
    this.#check();
    await this.#change;
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #nextChange(): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
    });
  }

  #changed(): void {
    const wake = this.#wake;
    this.#change = this.#nextChange();
    wake();
  }
}
