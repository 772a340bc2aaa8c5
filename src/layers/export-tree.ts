import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { onInterrupt } from '../worker/interrupt.js';
import { writeNewFile } from '../worker/new-file.js';
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
  try {
    await writeNewFile(path, (fd) => finishTree(start(fd)));
  } catch (error) {
    const code = errnoOf(error);
    if (error instanceof FosterError || code === undefined) throw error;
    throw new FosterError(`cannot write ${path}: ${errnoWords(errnoNumber(code))}`, { cause: error });
  }
}
