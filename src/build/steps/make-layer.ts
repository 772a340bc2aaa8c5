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
import { makeTree, mapsKey, type Workplace } from '../../image/rootfs/cache.js';
import { buildDriver } from '../../image/rootfs/storage.js';
import { blobPath, hasBlob } from '../../image/store/blobs.js';
import { layersFolder } from '../../image/store/layers.js';
import { type Descriptor, MEDIA } from '../../image/store/oci.js';
import { startTreeProgram } from '../../layers/tree.js';
import { COPIED, TREE } from '../../layers/tree-protocol.js';
import { strangerAsRoot } from '../../spec/choose-id-maps.js';
import type { IdMaps } from '../../spec/id-maps.js';
import type { StorageDriver } from '../../spec/storage-driver.js';
import { clearAway } from '../../worker/remove-trees.js';
import type { LayerInput } from '../context/inputs.js';
import { startLayerProgram } from './layer-program.js';
import type { LayerOrder } from './layer-protocol.js';

/** A layer of the store, unpacked too. */
export interface MadeLayer {
  descriptor: Descriptor;
  /** Digest of the layer, uncompressed. */
  diffID: string;
  /** Nothing was changed: an image need not have it. */
  isEmpty: boolean;
  lostOwners: number;
}

export interface LayerWork {
  maps: IdMaps;
  /** Those below, the uppermost first. */
  layers: string[];
  changes: LayerOrder['changes'];
  inputs: LayerInput[];
  mountPoints: string[];
  timestamp: number | undefined;
  /** Runs a container that writes to `upper` in this folder, before the layer is packed. */
  run?: (place: Workplace) => Promise<void>;
}

/**
 * Makes a layer: the changes, or what a container does, over the layers below. What it is unpacked as is what was
 * written, given its name in the end. Whatever happens, Ctrl-C included, it is whole or not there.
 * @throws FosterError
 */
export async function makeLayer(work: LayerWork): Promise<MadeLayer> {
  const { maps } = work;
  const driver = await buildDriver(maps);
  mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
  let made: MadeLayer | undefined;
  await makeTree(
    maps,
    async (place) => {
      for (const name of ['upper', 'work', 'root', 'spare']) mkdirSync(join(place.folder, name));
      chmodSync(join(place.folder, 'upper'), 0o755); // whatever the umask: it is the root directory of the container
      giveToRoot(place.folder, ['upper', 'work', 'root', 'spare'], maps);
      if (driver === 'copy') await copyLayers(place, work);
      await work.run?.(place);
      made = await pack(place, work, driver);
      return `${made.diffID.slice('sha256:'.length)}-${mapsKey(maps)}`;
    },
    { parent: layersFolder(), tree: 'diff' },
  );
  if (made === undefined) throw new Error('the layer was not made');
  return made;
}

/** The container's root makes the layer, and it may be a stranger here, who must get at the folders too. */
function giveToRoot(folder: string, names: string[], maps: IdMaps): void {
  const root = strangerAsRoot(maps);
  if (root === undefined) return;
  chmodSync(folder, 0o711); // the folder above lets no stranger in
  for (const name of names) chownSync(join(folder, name), root.uid, root.gid);
}

/** For who has no overlay: a copy of the layers, from which what was changed is told afterwards. */
async function copyLayers(place: Workplace, { maps, layers }: LayerWork): Promise<void> {
  const nothing = openSync('/dev/null', 'r+');
  try {
    const order = { action: 'fill', driver: 'copy', layers, folder: place.folder, mountPoints: [] } as const;
    const program = startTreeProgram(order, maps, nothing);
    place.onInterrupt(program.kill);
    await program.done;
  } finally {
    closeSync(nothing);
  }
}

async function pack(place: Workplace, work: LayerWork, driver: StorageDriver): Promise<MadeLayer> {
  const { folder, tree } = place;
  const { maps, layers, changes, inputs, mountPoints, timestamp } = work;
  const file = join(folder, 'layer');
  const output = openSync(file, 'wx', 0o600);
  let report: Awaited<ReturnType<typeof startLayerProgram>['report']>;
  try {
    const order = { driver, folder, layers, changes, mountPoints, timestamp, isPacked: true };
    const program = startLayerProgram(order, maps, inputs, output);
    place.onInterrupt(program.kill);
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
  // The kernel leaves a directory in `work` that nobody may read, and files may belong to others of the container.
  clearAway(
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
