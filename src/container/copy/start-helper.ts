import { openSync } from 'node:fs';
import type { IdMaps } from '../../spec/id-maps.js';
import { type RunningWorker, startWorker } from '../../worker/start-worker.js';
import type { CopyOrder, CopyResult } from './protocol.js';

/** Descriptors for the helper; they stay open in this process. */
export interface CopyFiles {
  input: number;
  output: number;
  root: number | undefined;
  /** The container's lock, which is held until the helper has exited, too. */
  lock: number | undefined;
  /** pidfd of a process of the container, if the helper must be in the container's own user namespace. */
  inside: number | undefined;
  /** Descriptors starting at COPY_FD.shifted. */
  shifted: (number | undefined)[];
}

/** The running helper. */
export type CopyHelper = RunningWorker<CopyResult>;

/**
 * Starts the helper of `foster cp` (copy-main.ts) in a user namespace with the container's id maps, or in the current
 * one if the container has none, and in a new mount namespace.
 * @throws FosterError
 */
export function startCopyHelper(order: CopyOrder, maps: IdMaps | undefined, files: CopyFiles): CopyHelper {
  const { input, output, root, lock, inside, shifted } = files;
  return startWorker({
    program: 'copy-main',
    name: 'foster-copy',
    title: 'the helper that copies files',
    order,
    maps,
    enters: inside,
    input,
    output,
    files: [root, lock, ...shifted],
  });
}

/** A descriptor for files that the helper does not use. */
export function openDevNull(): number {
  return openSync('/dev/null', 'r+');
}
