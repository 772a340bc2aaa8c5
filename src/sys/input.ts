import { constants, createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { duplicate } from './libc.js';

/**
 * Opens a file to read it as a stream. A named pipe is open at once, too: open(2) would wait for somebody to write to it, and this
 * process could neither go on nor be interrupted.
 * @param path undefined for standard input
 * @throws Error of node:fs
 */
export function openInput(path: string | undefined): number {
  if (path === undefined) return duplicate(0);
  return openSync(path, constants.O_RDONLY | (statSync(path).isFIFO() ? constants.O_NONBLOCK : 0));
}

/** The content of an open file, which the stream takes over. */
export function streamOf(fd: number): Readable {
  const info = fstatSync(fd);
  // A read that blocks until the other end writes would keep this process from ending at Ctrl-C.
  if (info.isFIFO() || info.isSocket()) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, highWaterMark: 1024 * 1024 });
}
