import { ftruncateSync, writeSync } from 'node:fs';

/** Writes the content of an empty file from its start, with the holes that the archive has: lseek(2). */
export class FileContent {
  #at = 0;
  #endsInHole = false;

  constructor(readonly fd: number) {}

  /** @throws Error of node:fs */
  write(piece: Buffer): void {
    for (let from = 0; from < piece.length; ) {
      const written = writeSync(this.fd, piece, from, piece.length - from, this.#at);
      from += written;
      this.#at += written;
    }
    this.#endsInHole = false;
  }

  hole(size: number): void {
    this.#at += size;
    this.#endsInHole = true;
  }

  /** Must be called after the last write. @throws Error of node:fs */
  end(): void {
    if (this.#endsInHole) ftruncateSync(this.fd, this.#at);
  }
}
