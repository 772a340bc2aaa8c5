import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { interrupted } from '../../sys/interruption.js';
import { writeFully } from '../../sys/write.js';
import { MAGIC_SIZE } from '../../tar/compression.js';
import { blobPath, hasBlob, imagesFolder, MAX_DOCUMENT } from './blobs.js';
import type { Descriptor } from './oci.js';

/** A file of an archive, stored temporarily under a number. */
export interface Staged {
  path: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
  /** Bytes. */
  size: number;
}

/** Where the files of archives that are being loaded are stored temporarily: one folder each. */
export function incomingFolder(): string {
  return join(imagesFolder(), 'incoming');
}

/**
 * A temporary folder for the files of an archive, whose meaning is not known until all of it is read. In the end, files
 * that belong to the images become blobs of the store, and the rest is removed.
 */
export class Staging {
  #folder: string | undefined;
  #isDiscarded = false;
  #count = 0;
  #current: { fd: number; path: string; hash: ReturnType<typeof createHash>; size: number } | undefined;

  /** Created when first needed: by then the signals that would leave it behind are handled. */
  #next(): string {
    if (this.#isDiscarded) throw interrupted();
    if (this.#folder === undefined) {
      mkdirSync(incomingFolder(), { recursive: true, mode: 0o700 });
      this.#folder = mkdtempSync(join(incomingFolder(), `${process.pid}-`));
    }
    return join(this.#folder, String(this.#count++));
  }

  /** Starts a file; `write` and `finish` follow. */
  begin(): void {
    const path = this.#next();
    this.#current = { path, fd: openSync(path, 'wx', 0o600), hash: createHash('sha256'), size: 0 };
  }

  write(piece: Uint8Array): void {
    if (this.#isDiscarded) throw interrupted();
    const current = this.#current;
    if (current === undefined) return;
    current.hash.update(piece);
    current.size += piece.length;
    writeFully(current.fd, piece);
  }

  finish(): Staged {
    const current = this.#current;
    if (current === undefined) throw new Error('no file was begun');
    this.#current = undefined;
    closeSync(current.fd);
    return { path: current.path, size: current.size, digest: `sha256:${current.hash.digest('hex')}` };
  }

  /** A path for a file that another process writes; `adopt` follows. */
  reserve(): string {
    return this.#next();
  }

  /** Takes over a file that another process has written. */
  async adopt(path: string): Promise<Staged> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(piece as Buffer);
      size += (piece as Buffer).length;
    }
    return { path, size, digest: `sha256:${hash.digest('hex')}` };
  }

  /** Makes it a blob of the store. */
  keep(staged: Staged, mediaType: string): Descriptor {
    const { digest, size } = staged;
    if (!hasBlob(staged)) {
      mkdirSync(dirname(blobPath(digest)), { recursive: true, mode: 0o700 });
      renameSync(staged.path, blobPath(digest));
    }
    return { mediaType, digest, size };
  }

  /** Removes all that was not kept. Work of a cancelled call that is still running then fails. */
  discard(): void {
    this.#isDiscarded = true;
    if (this.#current !== undefined) closeSync(this.#current.fd);
    this.#current = undefined;
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}

/** The content of a small file. @throws FosterError if it is too large for a document */
export function stagedBytes({ path, size }: Staged, what: string): Buffer {
  if (size > MAX_DOCUMENT) throw new FosterError(`${what} is too large for a document: ${size} bytes`);
  return readFileSync(path);
}

/** The first bytes of a file, which show how it is compressed. */
export function stagedStart({ path }: Staged): Buffer {
  const fd = openSync(path, 'r');
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    return start.subarray(0, readSync(fd, start, 0, MAGIC_SIZE, 0));
  } finally {
    closeSync(fd);
  }
}
