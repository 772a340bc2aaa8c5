import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { openInput, streamOf } from '../../sys/input.js';
import { duplicate } from '../../sys/libc.js';
import { onInterrupt } from '../../worker/interrupt.js';

/**
 * Gives `use` the descriptor of a file, which is closed afterwards.
 * @param path undefined for standard input
 * @throws what `use` throws, Error of node:fs
 */
export async function withInputFile<T>(
  path: string | undefined,
  use: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = openInput(path);
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Gives `use` a stream of an open file, which ends when the caller cancels.
 * @throws what `use` throws, Error of node:fs
 */
export async function withStream<T>(fd: number, use: (input: Readable) => Promise<T>): Promise<T> {
  const input = streamOf(duplicate(fd));
  const stopListening = onInterrupt(() => void input.destroy());
  try {
    return await use(input);
  } finally {
    stopListening();
    input.destroy();
  }
}
