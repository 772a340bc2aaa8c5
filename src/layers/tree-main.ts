import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { type HostWork, undoHostSteps } from '../launch/host-steps.js';
import { mountStorage } from '../launch/storage-program.js';
import { errnoOfAny } from '../sys/ffi.js';
import { attachMount, makeMountsPrivate, mountOverlay } from '../sys/mount.js';
import { writeFully } from '../sys/write.js';
import { pathOf } from '../tar/member.js';
import { TAR_END } from '../tar/writer.js';
import type { Failure } from '../worker/protocol.js';
import { errnoFailure, runWorker } from '../worker/run-worker.js';
import { enterView, restrictViewMount } from '../worker/view.js';
import { ChangedFiles, timeOfCopy } from './changed-files.js';
import { mountPointNames, treeChanges } from './changes.js';
import { copyTree, type Skipped } from './copy-tree.js';
import { attributesOf } from './file-attributes.js';
import { probeFuseOverlayfs, probeOverlay } from './overlay-probe.js';
import { LayerStack } from './stack.js';
import { COPIED, type CopiedDirectory, type Filled, TREE, TREE_FD, type TreeOrder } from './tree-protocol.js';
import { inPieces, layerTar, TreeTar } from './tree-tar.js';
import { unlessGone } from './unless-gone.js';
import { FuseUpperDirectory, UpperDirectory, type WritableLayer } from './writable-layer.js';

/**
 * The helper that reads containers' files for `export`, `commit` and `diff`, and copies files of the layers for volumes
 * and for containers without an overlay. It runs in a user namespace with the container's id maps, so that it can read
 * and create files of all its users and sees their ids as the container does; and in a mount namespace, in which it
 * has a root directory with only the directories that it needs (worker/view.ts). A running container may change files
 * meanwhile: no path leads out of that root, no link is followed, and no file is read beyond its size at the beginning.
 * @returns what was skipped, and what was copied to volumes
 */
function run({ order, folders }: Opened): Filled {
  if (order.action === 'probe') return probe(order, folders);
  const view = enter(order, folders);
  switch (order.action) {
    case 'fill':
      return fill(order, view);
    case 'chown':
      for (const index of Object.keys(order.volumes ?? {}).keys()) chownTree(volumePath(index), order.owner);
      return NOTHING;
    case 'share':
      for (const index of Object.keys(order.volumes ?? {}).keys()) shareTop(volumePath(index), order);
      return NOTHING;
    case 'export':
      // The whole tree, without the container's mounts.
      exportTree(order, wholeTree(order, view), view);
      return NOTHING;
    case 'layer':
      for (const piece of layerOf(order, view)) writeFully(TREE_FD.output, piece);
      return NOTHING;
    case 'changes': {
      const own = ownLayer(order, view);
      if (own === undefined) return NOTHING;
      const below = new LayerStack(view.layers);
      for (const { kind, path } of treeChanges(own, below, mountPointNames(own, below, order.mountPoints)))
        writeFully(TREE_FD.output, Buffer.from(`${kind}${path}\0`, 'latin1'));
      return NOTHING;
    }
  }
}

interface Opened {
  order: TreeOrder;
  folders: Folders;
}

function open(given: TreeOrder): Opened {
  const order = given.isShifted ? withShiftedLayer(given) : given;
  for (const [index, path] of (order.shiftedVolumes ?? []).entries())
    attachOver(path, TREE_FD.volumes + index);
  return { order, folders: openFolders(order) };
}

/** Whoever opens the path in this mount namespace sees its files with shifted ids. */
function attachOver(path: string, mount: number): void {
  makeMountsPrivate();
  attachMount(mount, path);
  closeSync(mount);
}

/** Attaches the layer in this mount namespace, where it can be used for an overlay and bind mounts. */
function withShiftedLayer(order: TreeOrder): TreeOrder {
  const place = `${order.folder}/root`;
  makeMountsPrivate();
  attachMount(TREE_FD.layer, place);
  closeSync(TREE_FD.layer);
  return { ...order, layers: [place] };
}

const NOTHING: Skipped = { count: 0 };

const DIRECTORY = 0o10000000 | constants.O_DIRECTORY; // O_PATH

/** Open directories. */
interface Folders {
  layers: number[];
  container: number;
  /** Those of new volumes. */
  volumes: number[];
  /** The upper directory of the overlay, or the copy; undefined if the container has never run. */
  own: number | undefined;
}

function openFolders({ layers, folder, driver, volumes = {} }: TreeOrder): Folders {
  const own = `${folder}/${driver === 'copy' ? TREE : 'upper'}`;
  return {
    layers: layers.map((layer) => openSync(layer, DIRECTORY)),
    container: openSync(folder, DIRECTORY),
    volumes: Object.keys(volumes).map((path) => openSync(path, DIRECTORY)),
    own: existsSync(own) ? openSync(own, DIRECTORY) : undefined,
  };
}

/** Absolute paths in this process's view. */
interface View {
  layers: string[];
  /** For `fill` only. */
  container: string;
  own: string | undefined;
  /** Mount point. */
  root: string;
  /** When the copy of the layers was completed. */
  copiedAt: number;
  /** fuse-overlayfs, which has mounted `root` already. */
  storage: HostWork | undefined;
}

function enter(order: TreeOrder, { layers, container, volumes, own }: Folders): View {
  const { action, driver } = order;
  const isFilled = action === 'fill';
  const copied =
    driver === 'copy' && own !== undefined && !isFilled ? `/proc/self/fd/${container}` : undefined;
  const view: View = {
    layers: layers.map((_layer, index) => `/layers/${index}`),
    container: '/container',
    own: own === undefined ? undefined : '/own',
    root: '/root',
    copiedAt: copied === undefined ? 0 : timeOfCopy(copied),
    storage: action === 'export' && driver === 'fuse-overlayfs' && own ? mountByProgram(order) : undefined,
  };
  const root = view.storage && openSync(`${order.folder}/root`, DIRECTORY);
  if (!isFilled) closeSync(container);
  enterView([
    ...layers.map((directory, index) => ({ path: `/layers/${index}`, directory })),
    ...(isFilled ? [{ path: view.container, directory: container, allows: { writing: true } }] : []),
    ...volumes.map((directory, index) => ({
      path: volumePath(index),
      directory,
      allows: { writing: true },
    })),
    ...(own === undefined ? [] : [{ path: '/own', directory: own }]),
    { path: view.root, ...(root !== undefined && { directory: root }) },
  ]);
  return view;
}

function volumePath(index: number): string {
  return `/volumes/${index}`;
}

/** Changes the owner of all files in a tree. Links are not followed, and files that disappear meanwhile are skipped. */
function chownTree(path: string, owner = { uid: 0, gid: 0 }): void {
  const info = unlessGone(() => lstatSync(pathOf(path)));
  if (info === undefined) return;
  unlessGone(() => lchownSync(pathOf(path), owner.uid, owner.gid));
  if (!info.isDirectory()) return;
  const names = unlessGone(() => readdirSync(pathOf(path), { encoding: 'latin1' })) ?? [];
  for (const name of names) chownTree(`${path}/${name}`, owner);
}

/** What a group may do with its files: read and write; what is made in a directory is the group's, too (inode(7)). */
const SHARED = { file: 0o660, directory: 0o2770 };

function shareTop(path: string, { owner = { uid: 0, gid: 0 }, ifOther = false }: TreeOrder): void {
  const { gid, mode } = lstatSync(pathOf(path));
  const isShared = gid === owner.gid && (mode & SHARED.directory) === SHARED.directory;
  if (!(ifOther && isShared)) shareTree(path, owner.gid);
}

/** Gives all files of a tree to a group. Links are not followed, and files that disappear meanwhile are skipped. */
function shareTree(path: string, gid: number): void {
  const info = unlessGone(() => lstatSync(pathOf(path)));
  if (info === undefined) return;
  unlessGone(() => lchownSync(pathOf(path), info.uid, gid));
  if (info.isSymbolicLink()) return;
  const mode = info.isDirectory()
    ? (info.mode & 0o1777) | SHARED.directory
    : (info.mode & 0o777) | SHARED.file;
  unlessGone(() => chmodSync(pathOf(path), mode));
  if (!info.isDirectory()) return;
  const names = unlessGone(() => readdirSync(pathOf(path), { encoding: 'latin1' })) ?? [];
  for (const name of names) shareTree(`${path}/${name}`, gid);
}

function mountByProgram({ program, folder, layers }: TreeOrder): HostWork {
  if (program === undefined) throw new Error('the path of fuse-overlayfs is missing');
  makeMountsPrivate();
  return mountStorage(
    { program, container: folder, layers: [`${folder}/upper`, ...layers] },
    { isReadOnly: true },
  );
}

/** Tests overlays in one of foster's own folders, which no other process uses. */
function probe({ program, folder }: TreeOrder, { container }: Folders): Skipped {
  makeMountsPrivate();
  if (program === undefined) probeOverlay(`/proc/self/fd/${container}`);
  else probeFuseOverlayfs(folder, program);
  return NOTHING;
}

function ownLayer({ driver }: TreeOrder, { own, layers, copiedAt }: View): WritableLayer | undefined {
  if (own === undefined) return undefined;
  if (driver === 'overlay') return new UpperDirectory(own);
  if (driver === 'fuse-overlayfs') return new FuseUpperDirectory(own, new LayerStack(layers));
  return new ChangedFiles(own, new LayerStack(layers), copiedAt);
}

/** The container's changes, as a layer. */
function layerOf(order: TreeOrder, view: View): Iterable<Buffer> {
  const own = ownLayer(order, view);
  if (own === undefined || view.own === undefined) return [TAR_END];
  const foreign = mountPointNames(own, new LayerStack(view.layers), order.mountPoints);
  const skips = (name: string) => foreign.has(name);
  return layerTar(view.own, { skips, ...(order.driver !== 'overlay' && { own }) });
}

function exportTree({ hasTop }: TreeOrder, top: string, { storage }: View): void {
  try {
    const tar = new TreeTar(top, {});
    if (hasTop) for (const piece of tar.top()) writeFully(TREE_FD.output, piece);
    for (const piece of inPieces(tar.children(''))) writeFully(TREE_FD.output, piece);
    writeFully(TREE_FD.output, TAR_END);
  } finally {
    if (storage !== undefined) undoHostSteps(storage, { isGraceful: false });
  }
}

/** The directory that shows all files of a container. */
function wholeTree({ driver }: TreeOrder, { layers, own, root, storage }: View): string {
  if (storage !== undefined) return root;
  if (driver === 'copy' && own !== undefined) return own;
  const trees = own === undefined ? layers : [own, ...layers];
  const [only, ...others] = trees;
  // A single tree needs no overlay, and overlayfs would refuse it.
  if (only !== undefined && others.length === 0) return only;
  mountOverlay(root, { lower: trees });
  restrictViewMount(root, {});
  return root;
}

function fill({ driver, volumes = {} }: TreeOrder, { layers, container }: View): Filled {
  process.umask(0o022);
  const stack = new LayerStack(layers);
  const skipped: Skipped[] = [];
  const copied: (CopiedDirectory | null)[] = [];
  for (const [index, path] of Object.values(volumes).entries()) {
    const target = volumePath(index);
    chownSync(target, 0, 0); // so far it belongs to the caller
    chmodSync(target, 0o755);
    const places = path === '' ? [] : stack.findDirectories(Buffer.from(path).toString('latin1'));
    copied.push(directoryAt(stack, places));
    if (places.length > 0) skipped.push(copyTree(stack, target, places));
  }
  if (driver === 'copy') skipped.push(copy(stack, container));
  const example = skipped.find((one) => one.example !== undefined)?.example;
  const count = skipped.reduce((sum, one) => sum + one.count, 0);
  return { count, ...(example !== undefined && { example }), volumes: copied };
}

function directoryAt(stack: LayerStack, places: string[]): CopiedDirectory | null {
  const [place] = places;
  const info = place === undefined ? undefined : unlessGone(() => lstatSync(pathOf(place)));
  if (place === undefined || info === undefined) return null;
  const { uid, gid, mode, atimeMs, mtimeMs } = info;
  const isBare = stack.entries(places).size === 0 && attributesOf(place).size === 0;
  return { uid, gid, mode: mode & 0o7777, atime: atimeMs, mtime: mtimeMs, isBare };
}

function copy(stack: LayerStack, container: string): Skipped {
  process.umask(0o077);
  mkdirSync(`${container}/${TREE}`);
  const skipped = copyTree(stack, `${container}/${TREE}`);
  closeSync(openSync(`${container}/${COPIED}`, 'wx', 0o600));
  return skipped;
}

function explain(error: unknown): Failure | undefined {
  if (errnoOfAny(error) === 'EPIPE') return { error: 'the output was closed' };
  return errnoFailure(error);
}

runWorker({ open, work: run, explain });
