import { writeSync } from 'node:fs';
import { errnoOf, isReaderGone } from './errno.js';

const RETRY_MS = 2; // milliseconds

/**
 * Writes the bytes from `start` to `end` of a buffer, with as many calls of write(2) as necessary. Waits for a pipe or
 * terminal that another process has made non-blocking. Throws Node's errors, EPIPE if the reader is gone.
 */
export function writeFully(fd: number, buffer: Uint8Array, start = 0, end = buffer.length): void {
  for (let at = start; at < end; ) {
    try {
      at += writeSync(fd, buffer, at, end - at);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      sleep(RETRY_MS);
    }
  }
}

/** Blocks this thread for a time in milliseconds. Unhandled signals still end the process. */
export function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Sends a word to a process. If it has been killed, that shows when its reports are read. */
export function sendWord(socket: number, word: string | Uint8Array): void {
  try {
    writeSync(socket, Buffer.from(word));
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}
