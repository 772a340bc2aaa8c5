import { FosterError } from '../../sys/errors.js';
import type { Fill } from './ahead.js';
import type { InflateEngine } from './engine.js';

/** Two or three pieces of output come from it: each read is another wait for the thread that calls. */
const INPUT_SIZE = 256 * 1024;

/**
 * Inflates a gzip file, which may have several members. As in Node's zlib, the file ends with the first zero byte after a
 * member. Needs no memory but its buffers, whatever the file says.
 */
export class Gunzip {
  readonly #engine: InflateEngine;
  readonly #read: Fill;
  readonly #state: Buffer;
  readonly #buffer = Buffer.alloc(INPUT_SIZE);
  /** What is left of the input in the buffer. */
  #input = this.#buffer.subarray(0, 0);
  #at: 'member' | 'between' | 'end' = 'member';
  /** Whether nothing of the member was read yet. */
  #isNew = true;
  /** Whether the library may have more output without more input. */
  #hasMore = false;

  /** @param read reads the compressed file */
  constructor(engine: InflateEngine, read: Fill) {
    this.#engine = engine;
    this.#read = read;
    this.#state = engine.start();
  }

  /**
   * Fills a buffer, which must not be touched until that is done.
   * @returns the number of bytes; only at the end less than there is room for, and 0 after it
   * @throws FosterError if the file is corrupt or truncated
   */
  async fill(output: Buffer): Promise<number> {
    let filled = 0;
    // Starts at once if it can, so that it runs while the caller goes on with something else.
    while (filled < output.length && (this.#isReady || (await this.#prepare()))) {
      const room = output.subarray(filled);
      const progress = await this.#engine.run(this.#state, this.#input, room);
      if (progress === undefined) throw new FosterError('the compressed file is corrupt');
      const { taken, made, isEnd } = progress;
      const isStuck = taken === 0 && made === 0 && this.#input.length > 0 && (!isEnd || this.#isNew);
      if (isStuck) throw new FosterError('the compressed file is corrupt');
      this.#isNew = false;
      this.#input = this.#input.subarray(taken);
      filled += made;
      this.#hasMore = made === room.length;
      if (isEnd) this.#at = 'between';
    }
    return filled;
  }

  get #isReady(): boolean {
    return this.#at === 'member' && (this.#hasMore || this.#input.length > 0);
  }

  /** Sees to it that there is something to do. Returns false at the end. */
  async #prepare(): Promise<boolean> {
    if (this.#at === 'end') return false;
    if (this.#input.length === 0) this.#input = this.#buffer.subarray(0, await this.#read(this.#buffer));
    const isEmpty = this.#input.length === 0;
    if (this.#at === 'member') {
      if (isEmpty) throw new FosterError('the compressed file is truncated');
      return true;
    }
    if (isEmpty || this.#input[0] === 0) {
      this.#at = 'end';
      return false;
    }
    this.#engine.reset(this.#state);
    this.#at = 'member';
    this.#hasMore = false;
    this.#isNew = true;
    return true;
  }

  /** Must be called in the end, when nothing is being filled. */
  free(): void {
    this.#engine.free(this.#state);
  }
}
