import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fdatasync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { FosterError } from '../../sys/errors.js';
import { dataFolder } from '../../sys/paths.js';
import type { Descriptor } from './oci.js';

/**
 * The content-addressed part of the image store, an OCI image layout: `images/blobs/sha256/HEX`. A blob gets its name
 * only when it is complete and its digest is verified.
 */
export function imagesFolder(): string {
  return join(dataFolder(), 'images');
}

/** The path of a blob, whether it exists or not. @throws FosterError for digests other than sha256 */
export function blobPath(digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new FosterError(`${digest} is not a digest that foster supports`);
  return join(imagesFolder(), 'blobs', 'sha256', digest.slice('sha256:'.length));
}

/** Whether the store has the blob, with the right size. */
export function hasBlob({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): boolean {
  return statSync(blobPath(digest), { throwIfNoEntry: false })?.size === size;
}

/** Documents (manifests, configs) larger than this are refused. */
export const MAX_DOCUMENT = 8 * 1024 * 1024;

/**
 * A document of the store; its digest is verified again.
 * @throws FosterError if it is missing, too large, or does not match its digest
 */
export function readDocument<T extends object>({ digest }: Pick<Descriptor, 'digest'>): T {
  const path = blobPath(digest);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined)
    throw new FosterError(`the image store lacks ${digest}`, { advice: 'pull the image again' });
  if (size > MAX_DOCUMENT) throw new FosterError(`the document ${digest} is too large: ${size} bytes`);
  const bytes = readFileSync(path);
  if (digestOf(bytes) !== digest) {
    throw new FosterError(`the file of ${digest} in the image store is damaged`, {
      advice: 'pull the image again',
    });
  }
  return parseDocument<T>(bytes, digest);
}

/** Parses JSON that must be an object. `what` names it in the error. */
export function parseDocument<T extends object>(bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new FosterError(`${what} is not JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FosterError(`${what} is not a JSON object`);
  }
  return value as T;
}

/** The sha256 digest, with its prefix. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Stores bytes under their digest. */
export function putBytes(bytes: Uint8Array, mediaType: string): Descriptor {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  if (hasBlob(descriptor)) return descriptor;
  const path = blobPath(descriptor.digest);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
  return descriptor;
}

/** Stores a document as JSON. */
export function putDocument(document: object, mediaType: string): Descriptor {
  return putBytes(Buffer.from(JSON.stringify(document)), mediaType);
}

/** The content of a blob. */
export function readBlob(digest: string): Readable {
  return createReadStream(blobPath(digest), { highWaterMark: 1024 * 1024 });
}

/**
 * A blob that is being received: written to a temporary file, and renamed by `finish` if its size and digest are right.
 * An interrupted download of the same digest is resumed: `offset` says from where. Only one process at a time may write
 * a blob: use `withLock(digest)` around it.
 */
export class BlobWriter {
  /** The temporary file. */
  readonly path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #final: string;
  #size = 0;

  /** @param expected the size, if known */
  constructor(
    readonly digest: string,
    readonly expected: number | undefined,
  ) {
    this.#final = blobPath(digest);
    this.path = `${this.#final}.part`;
    mkdirSync(dirname(this.#final), { recursive: true, mode: 0o700 });
    this.#fd = openSync(this.path, 'a+', 0o600);
    const size = fstatSync(this.#fd).size;
    if (size > 0) {
      for (const piece of piecesOf(this.#fd, size)) this.#hash.update(piece);
      this.#size = size;
    }
  }

  /** The number of bytes that are there already. */
  get offset(): number {
    return this.#size;
  }

  /** @throws FosterError if there are more bytes than expected */
  write(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.expected !== undefined && this.#size > this.expected) {
      throw new FosterError(`${this.digest} is larger than declared: more than ${this.expected} bytes`);
    }
    this.#hash.update(piece);
    for (let at = 0; at < piece.length; ) at += writeSync(this.#fd, piece, at);
  }

  /** Starts over, for a sender that cannot resume. */
  restart(): BlobWriter {
    this.discard();
    return new BlobWriter(this.digest, this.expected);
  }

  /** Must be called before `finish`: otherwise a power failure could leave an incomplete file under the final name. */
  async sync(): Promise<void> {
    await promisify(fdatasync)(this.#fd);
  }

  /**
   * Makes it a blob of the store.
   * @throws FosterError, and discards what was received, if the size or digest is wrong
   */
  finish(): void {
    const digest = `sha256:${this.#hash.digest('hex')}`;
    if (this.expected !== undefined && this.#size !== this.expected) {
      throw new FosterError(`${this.digest} has ${this.#size} bytes instead of ${this.expected}`);
    }
    if (digest !== this.digest) {
      this.discard();
      throw new FosterError(`the content received for ${this.digest} has the digest ${digest}`, {
        advice: 'the registry or the connection is faulty; nothing was kept',
      });
    }
    closeSync(this.#fd);
    renameSync(this.path, this.#final);
  }

  /** Keeps what was received, so that it can be resumed. */
  close(): void {
    closeSync(this.#fd);
  }

  /** Discards what was received. */
  discard(): void {
    closeSync(this.#fd);
    rmSync(this.path, { force: true });
  }
}

function* piecesOf(fd: number, size: number): Generator<Uint8Array> {
  const buffer = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < size; ) {
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) return;
    yield buffer.subarray(0, read);
    at += read;
  }
}
