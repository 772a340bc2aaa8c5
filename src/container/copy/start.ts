import { openSync } from 'node:fs';
import type { IdMaps } from '../../spec/id-maps.js';
import { type RunningWorker, startWorker } from '../../worker/start-worker.js';
import type { CopyOrder, CopyResult } from './protocol.js';

/** Descriptors that the helper gets; ours stay open. */
export interface CopyFiles {
  input: number;
  output: number;
  root: number | undefined;
  /** The container's lock: held until the helper is gone too. */
  lock: number | undefined;
  /** pidfd of a process of the container, where the helper has to be in the container's own user namespace. */
  inside: number | undefined;
  /** From COPY_FD.shifted on. */
  shifted: (number | undefined)[];
}

/** The helper at work. */
export type CopyHelper = RunningWorker<CopyResult>;

/**
 * Starts the helper of `foster cp` (copy-main.ts) in a user namespace with the container's id maps, or in ours where the
 * container has none; and in a mount namespace of its own.
 * @throws FosterError
 */
export function startCopyHelper(order: CopyOrder, maps: IdMaps | undefined, files: CopyFiles): CopyHelper {
  const { input, output, root, lock, inside, shifted } = files;
  return startWorker({
    program: 'copy-main',
    name: 'foster-copy',
    title: 'the helper that copies',
    order,
    maps,
    enters: inside,
    input,
    output,
    files: [root, lock, ...shifted],
  });
}

/** What the helper gets in place of a file that it does not use. */
export function openNothing(): number {
  return openSync('/dev/null', 'r+');
}
