import type { IncomingMessage } from 'node:http';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { BufferGarbage } from '../../sys/garbage.js';
import { withLock } from '../rootfs/cache.js';
import { BlobFollower } from '../store/blob-follower.js';
import { BlobWriter, hasBlob } from '../store/blobs.js';
import type { Descriptor } from '../store/oci.js';
import { connectionFailure, drain, isTransient } from './http.js';
import { type Registry, responseError } from './registry.js';
import { MAX_RETRIES, waitBeforeRetry } from './retry.js';
import { shortDigest } from './transfer-display.js';

type Blob = Pick<Descriptor, 'digest' | 'size'>;

/** After this many attempts the connection is considered useless, however far each attempt got. */
const MAX_ATTEMPTS = 100;

/**
 * Downloads a blob into the store, unless it is there. Resumes an interrupted download; two processes that need the
 * same blob download it once.
 * @param follower gets the progress
 * @returns whether it was downloaded
 * @throws FosterError; the store is then unchanged, except for a partial download that can be resumed
 */
export async function downloadBlob(
  registry: Registry,
  blob: Blob,
  follower?: BlobFollower,
): Promise<boolean> {
  if (hasBlob(blob)) return false;
  if (follower !== undefined) return await download(registry, blob, follower);
  const unread = new BlobFollower();
  try {
    return await download(registry, blob, unread);
  } finally {
    unread.close();
  }
}

async function download(registry: Registry, blob: Blob, follower: BlobFollower): Promise<boolean> {
  const { signal } = registry.options;
  const work = async () => {
    signal?.throwIfAborted();
    if (hasBlob(blob)) return false; // another process was faster
    const download = new Download(registry, blob, follower);
    await download.receive();
    try {
      download.finish();
    } catch (error) {
      // If it was resumed, the earlier part may have been wrong.
      if (!download.isPieced) throw error;
      const fresh = new Download(registry, blob, follower);
      await fresh.receive();
      fresh.finish();
    }
    return true;
  };
  return await withLock(`blob-${blob.digest.slice('sha256:'.length)}`, work, signal);
}

let garbage: BufferGarbage | undefined;

class Download {
  #writer: BlobWriter;
  /** Whether it was resumed, so that its parts are from several downloads. */
  isPieced = false;

  constructor(
    readonly registry: Registry,
    readonly blob: Blob,
    readonly follower: BlobFollower,
  ) {
    this.#writer = new BlobWriter(blob.digest, blob.size);
    if (this.offset > blob.size) this.#writer = this.#writer.restart();
    this.isPieced = this.offset > 0;
    follower.start(this.#writer.path, this.offset);
  }

  get offset(): number {
    return this.#writer.offset;
  }

  finish(): void {
    this.#writer.finish();
  }

  /** Receives all bytes, in as many attempts as necessary. */
  async receive(): Promise<void> {
    let retry = 0;
    try {
      for (let attempt = 0; this.offset < this.blob.size; attempt++) {
        const before = this.offset;
        const failure = await this.#attempt();
        if (failure === undefined) continue;
        retry = this.offset > before ? 0 : retry + 1;
        if (retry > MAX_RETRIES || attempt > MAX_ATTEMPTS)
          throw connectionFailure(this.registry.registry, failure);
        await waitBeforeRetry(Math.max(0, retry - 1), this.registry.options.signal);
      }
      await this.#writer.sync();
    } catch (error) {
      // Wrong bytes, or more than the disk can hold, are useless later; others can be resumed.
      if (error instanceof UnusableBytes) {
        this.#writer.discard();
        throw error.cause;
      }
      if (this.offset === 0) this.#writer.discard();
      else this.#writer.close();
      throw error;
    }
  }

  /** @returns the error of the connection, if it is transient */
  async #attempt(): Promise<unknown> {
    const { registry, blob } = this;
    this.isPieced ||= this.offset > 0;
    const range = this.offset > 0 ? { range: `bytes=${this.offset}-` } : {};
    const response = await registry.request('GET', `blobs/${blob.digest}`, { headers: range });
    await this.#checkStart(response);
    garbage ??= new BufferGarbage();
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        this.#write(piece);
        this.follower.grow(this.offset);
        garbage.add(piece.length);
      }
    } catch (error) {
      registry.options.signal?.throwIfAborted();
      if (!isTransient(error)) throw error;
      return error;
    }
    return this.offset < blob.size ? Object.assign(new Error(), { code: 'ECONNRESET' }) : undefined;
  }

  /** Checks that the response is what was requested: its start and its size. */
  async #checkStart(response: IncomingMessage): Promise<void> {
    const { digest, size } = this.blob;
    const what = `get ${shortDigest(digest)} of ${this.registry.repository}`;
    if (response.statusCode === 416) {
      await drain(response);
      throw new UnusableBytes(
        new FosterError(`cannot ${what}: ${this.registry.registry} declares a different size`),
      );
    }
    if (response.statusCode === 200) {
      if (this.offset > 0) this.#restart(); // the registry does not support ranges
      this.#checkTotal(response, response.headers['content-length']);
      return;
    }
    if (response.statusCode !== 206) throw await responseError(what, response, this.registry.registry);
    const [, start, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '') ?? [];
    if (Number(start) !== this.offset) {
      response.destroy();
      throw new UnusableBytes(
        new FosterError(`cannot ${what}: ${this.registry.registry} resumes at the wrong offset`),
      );
    }
    this.#checkTotal(response, total === '*' ? String(size) : total);
  }

  #restart(): void {
    this.#writer = this.#writer.restart();
    this.follower.start(this.#writer.path, 0);
  }

  #checkTotal(response: IncomingMessage, total: string | undefined): void {
    const { digest, size } = this.blob;
    if (total === undefined || Number(total) === size) return;
    response.destroy();
    throw new UnusableBytes(
      new FosterError(`${this.registry.registry} has ${total} bytes for ${digest} instead of ${size}`, {
        advice: 'the registry is faulty; nothing was kept',
      }),
    );
  }

  #write(piece: Uint8Array): void {
    try {
      this.#writer.write(piece);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw new UnusableBytes(error);
      throw new UnusableBytes(
        new FosterError(`cannot store ${this.blob.digest}: ${errnoWords(errnoNumber(code))}`, {
          advice: "free some space, for example with 'foster image prune'",
          cause: error,
        }),
      );
    }
  }
}

/** A failure after which the bytes received so far must be discarded. */
class UnusableBytes extends Error {
  constructor(override readonly cause: unknown) {
    super();
  }
}
