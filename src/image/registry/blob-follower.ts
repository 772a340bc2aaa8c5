import { closeSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';

const PIECE = 1024 * 1024;

/** What was read so far is not the start of what comes. */
class StartedOver extends Error {}

/**
 * A blob on its way into the store, for one who reads it meanwhile. Whoever downloads it says how far it is; the reader
 * gets what is there already, from the file, and so neither holds up the other.
 */
export class BlobFollower {
  /** All that could be read is of one download, whose digest is checked in the end. */
  isInOnePiece = true;
  readonly #moved: (bytes: number) => void;
  #file: number | undefined;
  /** Bytes that are there. */
  size = 0;
  #state: 'waiting' | 'coming' | 'whole' = 'waiting';
  #hasStartedOver = false;
  #failure: { error: unknown } | undefined;
  #wake = () => {};
  #change = this.#nextChange();

  /** @param moved is told how many bytes there are so far */
  constructor(moved: (bytes: number) => void = () => {}) {
    this.#moved = moved;
  }

  /**
   * It is written to this file, which has some bytes already where an earlier download was interrupted. Called again
   * where the download begins anew.
   */
  begin(path: string, size: number): void {
    if (this.#state === 'coming') this.#hasStartedOver = true;
    else this.#file = openSync(path, 'r');
    this.#state = 'coming';
    this.isInOnePiece = size === 0 && !this.#hasStartedOver;
    this.grow(size);
  }

  /** So many bytes can be read. */
  grow(size: number): void {
    this.size = size;
    this.#moved(size);
    this.#changed();
  }

  /** It is in the store, its digest checked. */
  finish(): void {
    this.#state = 'whole';
    this.#changed();
  }

  /** It will not come. Whoever reads it gets this error. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#changed();
  }

  /** Nobody will read it any more. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Waits until something of it can be read by `pieces`. @returns false where the store has had it already */
  async hasBegun(): Promise<boolean> {
    while (this.#state === 'waiting') await this.#next();
    return this.#file !== undefined;
  }

  /** Waits until the store has it. @throws what the download has failed with */
  async whole(): Promise<void> {
    while (this.#state !== 'whole') await this.#next();
  }

  /**
   * All of it, as it comes. The last piece comes before its digest is checked; the end comes after that. A piece is only
   * lent: the next one takes its place in memory.
   * @throws what the download has failed with; an error where it was begun anew (`isInOnePiece`)
   */
  async *pieces(): AsyncGenerator<Buffer> {
    const readAt = promisify(read);
    const buffer = Buffer.allocUnsafe(PIECE);
    for (let at = 0; ; ) {
      while (at === this.size && this.#state === 'coming' && !this.#hasStartedOver) await this.#next();
      this.#check();
      if (this.#hasStartedOver) throw new StartedOver();
      if (this.#file === undefined || at === this.size) return;
      const length = Math.min(PIECE, this.size - at);
      const { bytesRead } = await readAt(this.#file, buffer, 0, length, at);
      if (bytesRead === 0) throw new StartedOver(); // cut off by the one who writes it
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
