import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeTree, mapsKey, type Workspace } from '../../image/rootfs/cache.js';
import { buildDriver } from '../../image/rootfs/storage.js';
import { blobPath, hasBlob } from '../../image/store/blobs.js';
import { layersFolder } from '../../image/store/layers.js';
import { type Descriptor, MEDIA } from '../../image/store/oci.js';
import { startTreeProgram } from '../../layers/tree-program.js';
import { COPIED, TREE } from '../../layers/tree-protocol.js';
import { foreignRoot } from '../../spec/choose-id-maps.js';
import type { IdMaps } from '../../spec/id-maps.js';
import type { StorageDriver } from '../../spec/storage-driver.js';
import { removeTreesOfAnyOwner } from '../../worker/remove-trees.js';
import type { LayerInput } from '../context/inputs.js';
import { startLayerProgram } from './layer-program.js';
import type { LayerOrder } from './layer-protocol.js';

/** A layer in the store, packed and unpacked. */
export interface MadeLayer {
  descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  diffID: string;
  /** Whether nothing was changed: an image can omit it. */
  isEmpty: boolean;
  lostOwners: number;
}

export interface LayerWork {
  maps: IdMaps;
  /** The layers below, topmost first. */
  layers: string[];
  changes: LayerOrder['changes'];
  inputs: LayerInput[];
  mountPoints: string[];
  timestamp: number | undefined;
  /** Runs a container that writes to `upper` in the workspace, before the layer is packed. */
  run?: (workspace: Workspace) => Promise<void>;
}

/**
 * Makes a layer from changes, or from what a container writes, on top of the layers below. The written tree becomes the
 * unpacked layer. Whatever happens, Ctrl-C included, the layer is complete or does not exist.
 * @throws FosterError
 */
export async function makeLayer(work: LayerWork): Promise<MadeLayer> {
  const { maps } = work;
  const driver = await buildDriver(maps);
  mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
  let made: MadeLayer | undefined;
  await makeTree(
    maps,
    async (workspace) => {
      for (const name of ['upper', 'work', 'root', 'spare']) mkdirSync(join(workspace.folder, name));
      chmodSync(join(workspace.folder, 'upper'), 0o755); // regardless of the umask: it is the root directory of the container
      giveToRoot(workspace.folder, ['upper', 'work', 'root', 'spare'], maps);
      if (driver === 'copy') await copyLayers(workspace, work);
      await work.run?.(workspace);
      made = await pack(workspace, work, driver);
      return `${made.diffID.slice('sha256:'.length)}-${mapsKey(maps)}`;
    },
    { parent: layersFolder(), tree: 'diff' },
  );
  if (made === undefined) throw new Error('the layer was not made');
  return made;
}

/** If the container's root is another user on the host, gives it the folders in which it makes the layer. */
function giveToRoot(folder: string, names: string[], maps: IdMaps): void {
  const root = foreignRoot(maps);
  if (root === undefined) return;
  chmodSync(folder, 0o711); // other users cannot enter its parent
  for (const name of names) chownSync(join(folder, name), root.uid, root.gid);
}

/** Without overlays: copies the layers; the changes are found by comparing afterwards. */
async function copyLayers(workspace: Workspace, { maps, layers }: LayerWork): Promise<void> {
  const nothing = openSync('/dev/null', 'r+');
  try {
    const order = {
      action: 'fill',
      driver: 'copy',
      layers,
      folder: workspace.folder,
      mountPoints: [],
    } as const;
    const program = startTreeProgram(order, maps, nothing);
    workspace.onInterrupt(program.kill);
    await program.done;
  } finally {
    closeSync(nothing);
  }
}

async function pack(workspace: Workspace, work: LayerWork, driver: StorageDriver): Promise<MadeLayer> {
  const { folder, tree } = workspace;
  const { maps, layers, changes, inputs, mountPoints, timestamp } = work;
  const file = join(folder, 'layer');
  const output = openSync(file, 'wx', 0o600);
  let report: Awaited<ReturnType<typeof startLayerProgram>['report']>;
  try {
    const order = { driver, folder, layers, changes, mountPoints, timestamp, isPacked: true };
    const program = startLayerProgram(order, maps, inputs, output);
    workspace.onInterrupt(program.kill);
    report = await program.report;
  } finally {
    closeSync(output);
  }
  const { diffID, digest, size, plainSize, isEmpty, lostOwners } = report;
  const descriptor = { mediaType: MEDIA.layerGzip, digest, size };
  keepBlob(file, descriptor);
  rmdirSync(tree);
  renameSync(join(folder, 'upper'), tree);
  rmdirSync(join(folder, 'root'));
  // The kernel leaves an unreadable directory in `work`, and files may belong to other users of the container.
  removeTreesOfAnyOwner(
    ['work', 'spare', TREE].map((name) => join(folder, name)),
    maps,
  );
  for (const name of ['script', COPIED]) rmSync(join(folder, name), { force: true });
  writeFileSync(join(folder, 'size'), String(plainSize));
  return { descriptor, diffID, isEmpty, lostOwners };
}

function keepBlob(file: string, descriptor: Descriptor): void {
  if (hasBlob(descriptor)) {
    rmSync(file);
    return;
  }
  const path = blobPath(descriptor.digest);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  renameSync(file, path);
}
