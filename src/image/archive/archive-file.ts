import { closeSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { FosterError } from '../../sys/errors.js';
import { fetchedAhead } from '../../tar/inflate/ahead.js';
import type { BlobFollower } from '../store/blob-follower.js';
import type { Staged, Staging } from '../store/staging.js';

/** A file of an image archive. */
export interface ArchiveFile {
  /** Bytes. */
  readonly size: number;
  /** Its first bytes: as many, unless it is shorter. */
  readStart(size: number): Buffer;
  /**
   * Stores it temporarily, unless that has been done, and computes its digest.
   * @param follower learns what has been written
   */
  stage(follower?: BlobFollower): Promise<Staged>;
}

/** A file that was staged when the archive was read. */
export class StagedFile implements ArchiveFile {
  readonly size: number;
  readonly #staged: Staged;

  constructor(staged: Staged) {
    this.size = staged.size;
    this.#staged = staged;
  }

  readStart(size: number): Buffer {
    const fd = openSync(this.#staged.path, 'r');
    try {
      return readAt(fd, 0, Math.min(size, this.size));
    } finally {
      closeSync(fd);
    }
  }

  stage(): Promise<Staged> {
    return Promise.resolve(this.#staged);
  }
}

/** Where the bytes of a file are, in an open file. */
interface Place {
  fd: number;
  offset: number;
  size: number;
}

/** A part of an open file, which is read only when it is needed. */
export class PartOfFile implements ArchiveFile {
  readonly size: number;
  readonly #place: Place;
  readonly #staging: Staging;
  #staged: Promise<Staged> | undefined;

  constructor(place: Place, staging: Staging) {
    this.size = place.size;
    this.#place = place;
    this.#staging = staging;
  }

  readStart(size: number): Buffer {
    return readAt(this.#place.fd, this.#place.offset, Math.min(size, this.size));
  }

  stage(follower?: BlobFollower): Promise<Staged> {
    this.#staged ??= this.#staging.copy(fetchedAhead(this.#reader()), follower);
    return this.#staged;
  }

  #reader(): (buffer: Buffer) => Promise<number> {
    const { fd, offset, size } = this.#place;
    const readFile = promisify(read);
    let at = 0;
    return async (buffer) => {
      if (at === size) return 0;
      const { bytesRead } = await readFile(fd, buffer, 0, Math.min(buffer.length, size - at), offset + at);
      if (bytesRead === 0) throw truncated();
      at += bytesRead;
      return bytesRead;
    };
  }
}

function readAt(fd: number, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = readSync(fd, bytes, at, size - at, offset + at);
    if (count === 0) throw truncated();
    at += count;
  }
  return bytes;
}

function truncated(): FosterError {
  return new FosterError('it has become shorter while it was read');
}
