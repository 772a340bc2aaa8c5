import { closeSync } from 'node:fs';
import type { IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { shiftedMounts } from '../worker/shifted-mounts.js';
import { type RunningWorker, startWorker } from '../worker/start-worker.js';
import type { Skipped } from './copy.js';
import type { TreeOrder } from './tree-protocol.js';

/** The program at work. */
export interface TreeProgram {
  /** Comes when it has written all. @throws FosterError */
  done: Promise<void>;
  /** Ends it, if it has not ended. */
  kill(): void;
}

/**
 * Starts the program that looks at a container's files (tree-main.ts), in a user namespace with the container's id maps,
 * or in ours where the container has none.
 * @param output descriptor that it writes to; ours stays open
 * @throws FosterError where there are no user namespaces to be had
 */
export function startTreeProgram(order: TreeOrder, maps: IdMaps | undefined, output: number): TreeProgram {
  const worker = start(order, maps, output);
  return { done: worker.result().then(() => {}), kill: () => worker.kill() };
}

/**
 * Copies files of the layers to a container's folder: those of its volumes, or all for a container without an overlay.
 * Blocks.
 * @param check called now and then, at least every 100 ms; what it throws ends the work
 * @returns what was left out, since it may not be read
 * @throws FosterError; what was copied until then is there
 */
export function fillFolder(
  what: Pick<TreeOrder, 'driver' | 'layers' | 'isShifted' | 'folder' | 'volumes'>,
  maps: IdMaps | undefined,
  check: () => void,
): Skipped {
  return start({ action: 'fill', ...what, mountPoints: [] }, maps).wait(check);
}

function start(order: TreeOrder, maps: IdMaps | undefined, output?: number): RunningWorker<Skipped> {
  const layer = maps && order.isShifted ? shiftedLayer(order, maps) : undefined;
  try {
    return startWorker({
      program: 'tree-main',
      name: 'foster-tree',
      title: "the program that looks at the container's files",
      order,
      maps,
      output,
      files: [layer],
    });
  } finally {
    if (layer !== undefined) closeSync(layer);
  }
}

function shiftedLayer({ layers: [source = '/'] }: TreeOrder, maps: IdMaps): number {
  const [layer] = shiftedMounts([{ source, isDeep: false }], maps);
  if (layer !== undefined) return layer;
  throw new FosterError(`the ids of the files in ${source} cannot be shifted`, {
    advice: 'its file system cannot do that: --userns keep-id needs no shift',
    exitCode: 1,
  });
}
