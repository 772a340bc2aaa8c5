import { createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { duplicate } from '../../sys/libc.js';
import { onInterrupt } from '../../worker/interrupt.js';

/**
 * Gives `use` a stream of a file, which is closed afterwards, and when the caller cancels.
 * @param path undefined for standard input
 * @throws what `use` throws, Error of node:fs
 */
export async function withInput<T>(
  path: string | undefined,
  use: (input: Readable) => Promise<T>,
): Promise<T> {
  const input = openInput(path === undefined ? duplicate(0) : openSync(path, 'r'));
  const stopListening = onInterrupt(() => void input.destroy());
  try {
    return await use(input);
  } finally {
    stopListening();
    input.destroy();
  }
}

function openInput(fd: number): Readable {
  const info = fstatSync(fd);
  // A read that blocks until the other end writes would keep this process from ending at Ctrl-C.
  if (info.isFIFO() || info.isSocket()) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, highWaterMark: 1024 * 1024 });
}
