import { closeSync, constants, existsSync, openSync, readSync, writeSync } from 'node:fs';
import { FosterError } from '../errors.js';
import { errnoName, errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { SystemCallError } from '../sys/ffi.js';
import { setParentDeathSignal } from '../sys/libc.js';
import { makeMountsPrivate, mountOverlay } from '../sys/mount.js';
import { writeFully } from '../sys/write.js';
import { inPieces, layerTar, TreeTar } from './layer-tar.js';
import { TAR_END } from './tar-writer.js';
import { foreignNames, treeChanges } from './tree-changes.js';
import { TREE_FD, type TreeOrder, type TreeReport } from './tree-protocol.js';

/**
 * The program that reads a container's files for `export`, `commit` and `diff`: started in a user namespace with the
 * container's id maps, so that it may read those of all its users and sees their ids as the container does; and in a
 * mount namespace, where it lays the layers over each other without the right to write. It executes nothing of the
 * container's. A container that runs may change things meanwhile: no link is followed, and what is read is bounded by
 * what was there.
 */
function look(order: TreeOrder): void {
  if (readSync(TREE_FD.control, Buffer.alloc(1)) === 0) process.exit(1); // nobody is there to map our ids
  // As the caller still, who may enter folders that the container's root, maybe another user, may not.
  const folders = openFolders(order);
  if (order.isMapped) becomeRoot(order);
  setParentDeathSignal(9); // a change of ids has cleared it
  makeMountsPrivate();
  const { layers, upper } = folders;
  switch (order.action) {
    case 'export': {
      const root = upper === undefined ? merged(folders, layers) : merged(folders, [upper, ...layers]);
      // All of it, without what is mounted over it in the container.
      for (const piece of inPieces(new TreeTar(root, {}).children(''))) writeFully(TREE_FD.output, piece);
      writeFully(TREE_FD.output, TAR_END);
      return;
    }
    case 'layer': {
      const below = merged(folders, layers);
      const foreign = upper === undefined ? undefined : foreignNames(upper, below, order.mountPoints);
      const leavesOut = (name: string) => foreign?.has(name) ?? false;
      const pieces = upper === undefined ? [TAR_END] : layerTar(upper, { leavesOut });
      for (const piece of pieces) writeFully(TREE_FD.output, piece);
      return;
    }
    case 'changes': {
      if (upper === undefined) return;
      const below = merged(folders, layers);
      const changes = treeChanges(upper, below, foreignNames(upper, below, order.mountPoints));
      for (const { kind, path } of changes)
        writeFully(TREE_FD.output, Buffer.from(`${kind}${path}\0`, 'latin1'));
    }
  }
}

/** Absolute paths, by descriptors. */
interface Folders {
  layers: string[];
  /** Undefined where the container has never run. */
  upper: string | undefined;
  place: string;
}

function openFolders({ layers, folder }: TreeOrder): Folders {
  const O_PATH = 0o10000000;
  const open = (path: string) => `/proc/self/fd/${openSync(path, O_PATH | constants.O_DIRECTORY)}`;
  return {
    layers: layers.map(open),
    upper: existsSync(`${folder}/upper`) ? open(`${folder}/upper`) : undefined,
    place: `${open(folder)}/root`,
  };
}

function becomeRoot({ hasOneOwner }: TreeOrder): void {
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (!hasOneOwner) process.setgroups?.([]);
  process.setuid?.(0);
}

/** Trees over each other, read-only; gone with our mount namespace. One alone needs no overlay, and can be none. */
function merged({ place }: Folders, trees: string[]): string {
  const [only, ...others] = trees;
  if (only !== undefined && others.length === 0) return only;
  mountOverlay(place, { lower: trees });
  return place;
}

function toReport(error: unknown): TreeReport {
  if (error instanceof FosterError) {
    return { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) };
  }
  const code = error instanceof SystemCallError ? errnoName(error.errno) : errnoOf(error);
  if (code === 'EPIPE') return { error: 'nobody reads it any more' };
  if (code === undefined) return { error: error instanceof Error ? error.message : String(error) };
  return { error: errnoWords(errnoNumber(code)) };
}

function main(): void {
  // Ctrl-C reaches all processes of the terminal. foster's death ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  let report: TreeReport;
  try {
    look(JSON.parse(process.argv[2] ?? '') as TreeOrder);
    report = { done: true };
  } catch (error) {
    report = toReport(error);
  }
  closeSync(TREE_FD.output);
  writeSync(TREE_FD.report, JSON.stringify(report));
  process.exit(0);
}

main();
