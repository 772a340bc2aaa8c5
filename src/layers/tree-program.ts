import { closeSync } from 'node:fs';
import type { IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { shiftedMounts } from '../worker/shifted-mounts.js';
import { type RunningWorker, startWorker } from '../worker/start-worker.js';
import type { Filled, TreeOrder } from './tree-protocol.js';

/** The running helper. */
export interface TreeProgram {
  /** Resolves when it has written everything. @throws FosterError */
  done: Promise<void>;
  /** Kills it, if it is still running. */
  kill(): void;
}

/**
 * Starts the helper that reads a container's files (tree-main.ts), in a user namespace with the container's id maps, or
 * in the current one if the container has none.
 * @param output descriptor that it writes to; stays open in this process
 * @throws FosterError if no user namespace can be created
 */
export function startTreeProgram(order: TreeOrder, maps: IdMaps | undefined, output: number): TreeProgram {
  const worker = start(order, maps, output);
  return { done: worker.result().then(() => {}), kill: () => worker.kill() };
}

/**
 * Copies files of the layers: some to new volumes, or all to the folder of a container without an overlay. Blocks.
 * @param check called at least every 100 ms; if it throws, the work ends
 * @returns what was skipped because it is not readable, and which directories were copied
 * @throws FosterError; what was copied so far stays
 */
export function fillFolder(
  what: Pick<TreeOrder, 'driver' | 'layers' | 'isShifted' | 'folder' | 'volumes' | 'shiftedVolumes'>,
  maps: IdMaps | undefined,
  check: () => void,
): Filled {
  return start({ action: 'fill', ...what, mountPoints: [] }, maps).wait(check);
}

/**
 * Gives all files in some folders to a user of a container. Blocks.
 * @param check called at least every 100 ms; if it throws, the work ends
 * @throws FosterError; then only some of the files have the new owner
 */
export function chownFolders(
  folders: readonly string[],
  owner: { uid: number; gid: number },
  where: { folder: string; maps: IdMaps | undefined },
  check: () => void,
): void {
  const volumes = Object.fromEntries(folders.map((path) => [path, '']));
  const { folder, maps } = where;
  start(
    { action: 'chown', driver: 'overlay', layers: [], folder, volumes, owner, mountPoints: [] },
    maps,
  ).wait(check);
}

/**
 * Gives all files in a folder to a group of a container, which may read and write them: what an `fsGroup` of Kubernetes is. Blocks.
 * @param options.ifOther leave it as it is if the folder itself is the group's already
 * @param options.check called at least every 100 ms; if it throws, the work ends
 * @throws FosterError; then the group has only some of the files
 */
export function shareFolder(
  path: string,
  gid: number,
  {
    ifOther,
    check,
    ...where
  }: { folder: string; maps: IdMaps | undefined; ifOther: boolean; check: () => void },
): void {
  const volumes = { [path]: '' };
  const owner = { uid: 0, gid };
  const { folder, maps } = where;
  start(
    { action: 'share', driver: 'overlay', layers: [], folder, volumes, owner, ifOther, mountPoints: [] },
    maps,
  ).wait(check);
}

function start(order: TreeOrder, maps: IdMaps | undefined, output?: number): RunningWorker<Filled> {
  const layer = maps && order.isShifted ? shiftedLayer(order, maps) : undefined;
  const volumes: number[] = [];
  try {
    for (const source of order.shiftedVolumes ?? []) volumes.push(shifted(source, maps));
    return startWorker({
      program: 'tree-main',
      name: 'foster-tree',
      title: "the helper that reads the container's files",
      order,
      maps,
      output,
      files: [layer, ...volumes],
    });
  } finally {
    for (const fd of [layer, ...volumes]) if (fd !== undefined) closeSync(fd);
  }
}

function shifted(source: string, maps: IdMaps | undefined): number {
  const [mount] = maps === undefined ? [] : shiftedMounts([{ source, isDeep: false }], maps);
  if (mount !== undefined) return mount;
  throw new FosterError(`the owners of the files in ${source} cannot be shifted`, {
    advice: 'its file system has no idmapped mounts: leave idmap out',
  });
}

function shiftedLayer({ layers: [source = '/'] }: TreeOrder, maps: IdMaps): number {
  const [layer] = shiftedMounts([{ source, isDeep: false }], maps);
  if (layer !== undefined) return layer;
  throw new FosterError(`the owners of the files in ${source} cannot be shifted`, {
    advice: 'its file system has no idmapped mounts; --userns keep-id does not need them',
    exitCode: 1,
  });
}
