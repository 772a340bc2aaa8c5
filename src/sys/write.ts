import { writeSync } from 'node:fs';
import { errnoOf, isReaderGone } from './errno.js';

const MOMENT = 2; // milliseconds

/**
 * Writes the bytes from `start` to `end` of a buffer, however many calls of write(2) that takes. A pipe or terminal that
 * somebody else has made non-blocking is waited for. Throws Node's error otherwise, EPIPE where nobody reads any more.
 */
export function writeFully(fd: number, buffer: Uint8Array, start = 0, end = buffer.length): void {
  for (let at = start; at < end; ) {
    try {
      at += writeSync(fd, buffer, at, end - at);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      sleep(MOMENT);
    }
  }
}

/** Blocks this thread for a time in milliseconds. A signal that is not handled ends the process as ever. */
export function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A word to a process that may have been killed meanwhile: that shows when its reports are read. */
export function sendWord(socket: number, word: string | Uint8Array): void {
  try {
    writeSync(socket, Buffer.from(word));
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}
