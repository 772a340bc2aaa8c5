import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { undoUnlessDone } from './interrupt.js';

/**
 * Writes a file under a temporary name, and renames it when it is complete: if writing fails or is interrupted, nothing is
 * left, and a file that was there before is unchanged.
 * @param write receives the descriptor
 * @throws Error of node:fs, and the errors of `write`
 */
export async function writeNewFile(path: string, write: (fd: number) => Promise<void>): Promise<void> {
  const fresh = join(dirname(resolve(path)), `.${basename(path)}.${process.pid}.new`);
  await undoUnlessDone(
    async () => {
      const fd = openSync(fresh, 'wx', 0o666);
      try {
        await write(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(fresh, path);
    },
    () => rmSync(fresh, { force: true }),
  );
}
