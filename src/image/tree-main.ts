import { closeSync, constants, existsSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { FosterError } from '../errors.js';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { errnoOfAny } from '../sys/ffi.js';
import { setParentDeathSignal } from '../sys/libc.js';
import { attachMount, makeMountsPrivate, mountOverlay } from '../sys/mount.js';
import { endStorage, startStorage } from '../sys/storage-program.js';
import { writeFully } from '../sys/write.js';
import { ChangedFiles, copiedAt } from './changed-files.js';
import { LayerStack } from './layer-stack.js';
import { inPieces, layerTar, TreeTar } from './layer-tar.js';
import { probeFuseOverlayfs, probeOverlay } from './overlay-probe.js';
import { FuseUpperDirectory, type OwnLayer, UpperDirectory } from './own-layer.js';
import { TAR_END } from './tar-writer.js';
import { foreignNames, treeChanges } from './tree-changes.js';
import { copyTree, type Skipped } from './tree-copy.js';
import { COPIED, TREE, TREE_FD, type TreeOrder, type TreeReport, VOLUMES } from './tree-protocol.js';

/**
 * The program that looks at containers' files, for `export`, `commit` and `diff`, and copies files of the layers for
 * volumes and for containers that have no overlay: started in a user namespace with the container's id maps, so that it may read and make files of all
 * its users and sees their ids as the container does; and in a mount namespace. It executes nothing of the container's. A
 * container that runs may change things meanwhile: no link is followed, and what is read is bounded by what was there.
 * @returns what was left out
 */
function look(given: TreeOrder): Skipped {
  if (readSync(TREE_FD.control, Buffer.alloc(1)) === 0) process.exit(1); // nobody is there to map our ids
  // As the caller still, who may enter folders that the container's root, maybe another user, may not.
  const order = given.isShifted ? withShiftedLayer(given) : given;
  const folders = openFolders(order);
  if (order.isMapped) becomeRoot(order);
  setParentDeathSignal(9); // a change of ids has cleared it
  makeMountsPrivate();
  switch (order.action) {
    case 'fill':
      return fill(order, folders);
    case 'probe':
      if (order.program === undefined) probeOverlay(folders.container);
      else probeFuseOverlayfs(order.folder, order.program);
      return NOTHING;
    case 'export':
      // All of it, without what is mounted over it in the container.
      exportTree(wholeTree(order, folders));
      return NOTHING;
    case 'layer':
      for (const piece of layerOf(order, folders)) writeFully(TREE_FD.output, piece);
      return NOTHING;
    case 'changes': {
      const own = ownLayer(order, folders);
      if (own === undefined) return NOTHING;
      const below = new LayerStack(folders.layers);
      for (const { kind, path } of treeChanges(own, below, foreignNames(own, below, order.mountPoints)))
        writeFully(TREE_FD.output, Buffer.from(`${kind}${path}\0`, 'latin1'));
      return NOTHING;
    }
  }
}

/** In a place of our mount namespace the layer can be overlaid and bound. */
function withShiftedLayer(order: TreeOrder): TreeOrder {
  const place = `${order.folder}/root`;
  makeMountsPrivate();
  attachMount(TREE_FD.layer, place);
  return { ...order, layers: [place] };
}

const NOTHING: Skipped = { count: 0 };

/** Absolute paths, by descriptors. */
interface Folders {
  layers: readonly string[];
  container: string;
  /** The upper directory of the overlay, or the copy; undefined where the container has never run. */
  own: string | undefined;
}

function openFolders({ layers, folder, driver }: TreeOrder): Folders {
  const O_PATH = 0o10000000;
  const open = (path: string) => `/proc/self/fd/${openSync(path, O_PATH | constants.O_DIRECTORY)}`;
  const own = `${folder}/${driver === 'copy' ? TREE : 'upper'}`;
  return {
    layers: layers.map(open),
    container: open(folder),
    own: existsSync(own) ? open(own) : undefined,
  };
}

function ownLayer({ driver }: TreeOrder, { own, layers, container }: Folders): OwnLayer | undefined {
  if (own === undefined) return undefined;
  if (driver === 'overlay') return new UpperDirectory(own);
  if (driver === 'fuse-overlayfs') return new FuseUpperDirectory(own, new LayerStack(layers));
  return new ChangedFiles(own, new LayerStack(layers), copiedAt(container));
}

/** The container's changes, as a layer. */
function layerOf(order: TreeOrder, folders: Folders): Iterable<Buffer> {
  const own = ownLayer(order, folders);
  if (own === undefined || folders.own === undefined) return [TAR_END];
  const foreign = foreignNames(own, new LayerStack(folders.layers), order.mountPoints);
  const leavesOut = (name: string) => foreign.has(name);
  return layerTar(folders.own, { leavesOut, ...(order.driver !== 'overlay' && { own }) });
}

function exportTree({ path, end }: Tree): void {
  try {
    for (const piece of inPieces(new TreeTar(path, {}).children(''))) writeFully(TREE_FD.output, piece);
    writeFully(TREE_FD.output, TAR_END);
  } finally {
    end?.();
  }
}

/** All files of a container, and what is to be done when they have been seen. */
interface Tree {
  path: string;
  end?: () => void;
}

function wholeTree(order: TreeOrder, folders: Folders): Tree {
  const { driver, program, folder } = order;
  if (driver !== 'fuse-overlayfs' || folders.own === undefined) return { path: plainTree(order, folders) };
  if (program === undefined) throw new Error('it is not said where fuse-overlayfs is');
  const layers = [`${folder}/upper`, ...order.layers];
  const running = startStorage({ program, container: folder, layers }, { isReadOnly: true });
  return { path: `${folders.container}/root`, end: () => endStorage(running, { patience: 0 }) };
}

function plainTree({ driver }: TreeOrder, { layers, own, container }: Folders): string {
  if (driver === 'copy' && own !== undefined) return own;
  const trees = own === undefined ? layers : [own, ...layers];
  const [only, ...others] = trees;
  // One alone needs no overlay, and can be none.
  if (only !== undefined && others.length === 0) return only;
  mountOverlay(`${container}/root`, { lower: trees }); // without the right to write; gone with our mount namespace
  return `${container}/root`;
}

function fill({ driver, volumes = {} }: TreeOrder, { layers, container }: Folders): Skipped {
  process.umask(0o022);
  const stack = new LayerStack(layers);
  const skipped: Skipped[] = [];
  for (const [name, path] of Object.entries(volumes)) {
    const target = `${container}/${VOLUMES}/${name}`;
    mkdirSync(target, { recursive: true });
    const places = stack.find(Buffer.from(path).toString('latin1'));
    if (places.length > 0) skipped.push(copyTree(stack, target, places));
  }
  if (driver === 'copy') skipped.push(copy(stack, container));
  const example = skipped.find((one) => one.example !== undefined)?.example;
  const count = skipped.reduce((sum, one) => sum + one.count, 0);
  return { count, ...(example !== undefined && { example }) };
}

function copy(stack: LayerStack, container: string): Skipped {
  process.umask(0o077);
  mkdirSync(`${container}/${TREE}`);
  const skipped = copyTree(stack, `${container}/${TREE}`);
  closeSync(openSync(`${container}/${COPIED}`, 'wx', 0o600));
  return skipped;
}

function becomeRoot({ hasOneOwner }: TreeOrder): void {
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (!hasOneOwner) process.setgroups?.([]);
  process.setuid?.(0);
}

function toReport(error: unknown): TreeReport {
  if (error instanceof FosterError) {
    return { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) };
  }
  const code = errnoOfAny(error);
  if (code === 'EPIPE') return { error: 'nobody reads it any more' };
  if (code === undefined) return { error: error instanceof Error ? error.message : String(error) };
  return {
    error: errnoWords(errnoNumber(code)),
    errno: code,
    ...(['ENOSPC', 'EDQUOT'].includes(code) && { advice: 'make room on that disk' }),
  };
}

function main(): void {
  // Ctrl-C reaches all processes of the terminal. foster's death ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  let report: TreeReport;
  try {
    report = { done: true, skipped: look(JSON.parse(process.argv[2] ?? '') as TreeOrder) };
  } catch (error) {
    report = toReport(error);
  }
  closeSync(TREE_FD.output);
  writeSync(TREE_FD.report, JSON.stringify(report));
  process.exit(0);
}

main();
