import { readSync } from 'node:fs';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';

/**
 * Any number of inputs in one pipe, one after the other. Each consists of pieces: a length (four bytes, little-endian)
 * and that many bytes; a length of 0 ends the input.
 */
export type LayerInput = Iterable<Buffer> | AsyncIterable<Buffer>;

/** Encodes inputs for the pipe. */
export async function* joinInputs(inputs: readonly LayerInput[]): AsyncGenerator<Buffer> {
  for (const input of inputs) {
    for await (const piece of input) {
      if (piece.length === 0) continue;
      yield lengthOf(piece.length);
      yield piece;
    }
    yield lengthOf(0);
  }
}

function lengthOf(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH);
  bytes.writeUInt32LE(size);
  return bytes;
}

const LENGTH = 4;
const MAX_PIECE = 1024 * 1024;

/** Decodes the inputs from the pipe. */
export class InputReader {
  readonly #fd: number;

  /** @param fd the pipe, in blocking mode */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The next input. It must be read to its end before the following one. @throws FosterError */
  *next(): Generator<Buffer> {
    for (let left = this.#length(); left > 0; left = this.#length()) {
      while (left > 0) {
        const piece = this.#read(Math.min(left, MAX_PIECE));
        left -= piece.length;
        yield piece;
      }
    }
  }

  #length(): number {
    let bytes = this.#read(LENGTH);
    while (bytes.length < LENGTH) bytes = Buffer.concat([bytes, this.#read(LENGTH - bytes.length)]);
    return bytes.readUInt32LE();
  }

  /** Reads at least one byte. */
  #read(most: number): Buffer {
    const buffer = Buffer.allocUnsafe(most);
    const size = readAtMost(this.#fd, buffer);
    if (size === 0) throw new FosterError('the input with the files to copy is incomplete');
    return buffer.subarray(0, size);
  }
}

function readAtMost(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (errnoOf(error) === 'EOF') return 0;
    throw error;
  }
}
