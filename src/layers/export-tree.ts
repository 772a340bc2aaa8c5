import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { onInterrupt, undoUnlessDone } from '../worker/interrupt.js';
import type { TreeProgram } from './tree-program.js';

/** Waits until the program has ended. An interruption kills it. @throws FosterError */
export async function finishTree(program: TreeProgram): Promise<void> {
  const takeBack = onInterrupt(program.kill);
  try {
    await program.done;
  } finally {
    takeBack();
  }
}

/**
 * Lets the program write an archive.
 * @param path undefined for standard output
 * @param start starts the program; called with the descriptor that it writes to
 * @throws FosterError; an existing file is then unchanged
 */
export async function exportTree(
  path: string | undefined,
  start: (output: number) => TreeProgram,
): Promise<void> {
  if (path === undefined) {
    await finishTree(start(1));
    return;
  }
  const fresh = join(dirname(resolve(path)), `.${basename(path)}.${process.pid}.new`);
  await undoUnlessDone(
    async () => {
      const fd = openNew(fresh, path);
      try {
        await finishTree(start(fd));
      } finally {
        closeSync(fd);
      }
      renameSync(fresh, path);
    },
    () => rmSync(fresh, { force: true }),
  );
}

function openNew(fresh: string, path: string): number {
  try {
    return openSync(fresh, 'wx', 0o666);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new FosterError(`cannot write ${path}: ${errnoWords(errnoNumber(code))}`, { cause: error });
  }
}
