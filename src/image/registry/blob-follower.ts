import { closeSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';

const PIECE = 1024 * 1024;

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

  /**
   * The content, as it arrives. The last piece comes before the digest is verified, the end after that. A piece is
   * valid only until the next one.
   * @throws the error of the download; an error if it started over (`isOneDownload`)
   */
  async *pieces(): AsyncGenerator<Buffer> {
    const readAt = promisify(read);
    const buffer = Buffer.allocUnsafe(PIECE);
    for (let at = 0; ; ) {
      while (at === this.size && this.#state === 'coming' && !this.#hasStartedOver) await this.#next();
      this.#check();
      if (this.#hasStartedOver) throw new DownloadRestarted();
      if (this.#file === undefined || at === this.size) return;
      const length = Math.min(PIECE, this.size - at);
      const { bytesRead } = await readAt(this.#file, buffer, 0, length, at);
      if (bytesRead === 0) throw new DownloadRestarted(); // truncated by the writer
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
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
