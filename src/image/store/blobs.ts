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
 * The content-addressed part of the image store, an OCI image layout: `images/blobs/sha256/HEX`. A blob is there under
 * its name only when it is whole and its digest is right.
 */
export function imagesFolder(): string {
  return join(dataFolder(), 'images');
}

/** Where the blob of that digest is, or would be. `digest` must be checked: sha256 only. */
export function blobPath(digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new FosterError(`${digest} is not a digest that foster supports`);
  return join(imagesFolder(), 'blobs', 'sha256', digest.slice('sha256:'.length));
}

/** Whether the store has the whole blob. */
export function hasBlob({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): boolean {
  return statSync(blobPath(digest), { throwIfNoEntry: false })?.size === size;
}

/** Documents (manifests, configs) larger than this are refused. */
export const MAX_DOCUMENT = 8 * 1024 * 1024;

/**
 * A document of the store, its digest checked again.
 * @throws FosterError where it is missing, too large, or not what its digest says
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

/** JSON that must be an object. `what` names it in the error. */
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

/** sha256 with its prefix. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Stores bytes; they get the name of their digest. */
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
 * A blob that is being received: written beside its place, and moved there by `finish` if its size and digest are
 * what they should be. What an earlier, interrupted one of the same digest has left is gone on with: `offset` says
 * from where. Only one process at a time works on a blob: take `withLock(digest)` around it.
 */
export class BlobWriter {
  /** Where it is until it is whole. */
  readonly path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #final: string;
  #size = 0;

  /** @param expected the size may not be known: undefined */
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

  /** Bytes that are there already. */
  get offset(): number {
    return this.#size;
  }

  /** @throws FosterError when there is more than there should be */
  write(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.expected !== undefined && this.#size > this.expected) {
      throw new FosterError(`${this.digest} is larger than declared: more than ${this.expected} bytes`);
    }
    this.#hash.update(piece);
    for (let at = 0; at < piece.length; ) at += writeSync(this.#fd, piece, at);
  }

  /** Starts from nothing again, where the sender cannot go on in the middle. */
  restart(): BlobWriter {
    this.discard();
    return new BlobWriter(this.digest, this.expected);
  }

  /** To be called before `finish`: else, after a power failure, the name could stand for a file with holes. */
  async sync(): Promise<void> {
    await promisify(fdatasync)(this.#fd);
  }

  /**
   * Makes it a blob of the store.
   * @throws FosterError, and throws away what was received, when size or digest are not what they should be
   */
  finish(): void {
    const digest = `sha256:${this.#hash.digest('hex')}`;
    if (this.expected !== undefined && this.#size !== this.expected) {
      throw new FosterError(`${this.digest} has ${this.#size} bytes instead of ${this.expected}`);
    }
    if (digest !== this.digest) {
      this.discard();
      throw new FosterError(`what came as ${this.digest} is something else: its digest is ${digest}`, {
        advice: 'the registry or the connection is at fault; nothing was kept',
      });
    }
    closeSync(this.#fd);
    renameSync(this.path, this.#final);
  }

  /** Keeps what there is, to go on with later. */
  close(): void {
    closeSync(this.#fd);
  }

  /** Throws away what was received. */
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
