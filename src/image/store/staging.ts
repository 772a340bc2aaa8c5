import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  write,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { interrupted } from '../../sys/interruption.js';
import { Sha256 } from '../../sys/sha256.js';
import { writeFully } from '../../sys/write.js';
import { MAGIC_SIZE } from '../../tar/compression.js';
import type { BlobFollower } from './blob-follower.js';
import { blobPath, hasBlob, imagesFolder } from './blobs.js';
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

  /**
   * Stores pieces, each of which is valid until the next one. Hashing and writing are done by other threads.
   * @param follower learns what has been written
   */
  async copy(pieces: AsyncIterable<Buffer>, follower?: BlobFollower): Promise<Staged> {
    const path = this.#next();
    const fd = openSync(path, 'wx', 0o600);
    const hash = new Sha256();
    let size = 0;
    try {
      follower?.start(path, 0);
      for await (const piece of pieces) {
        if (this.#isDiscarded) throw interrupted();
        const hashed = hash.update(piece);
        try {
          await writePiece(fd, piece);
        } finally {
          await hashed;
        }
        size += piece.length;
        follower?.grow(size);
      }
    } finally {
      closeSync(fd);
    }
    return { path, size, digest: hash.digest() };
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

const writeFile = promisify(write);

async function writePiece(fd: number, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    const { bytesWritten } = await writeFile(fd, piece, at, piece.length - at);
    at += bytesWritten;
  }
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
