import { createHash } from 'node:crypto';
import { constants, mkdtempSync, openSync } from 'node:fs';
import { timeOfCopy } from '../../layers/changed-files.js';
import { copyTree } from '../../layers/copy-tree.js';
import { moveChanges } from '../../layers/move-changes.js';
import { LayerStack } from '../../layers/stack.js';
import { TREE } from '../../layers/tree-protocol.js';
import { layerTar } from '../../layers/tree-tar.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { mountOverlay } from '../../sys/mount.js';
import { writeFully } from '../../sys/write.js';
import { parallelGzip } from '../../tar/parallel-gzip.js';
import type { Failure } from '../../worker/protocol.js';
import { errnoFailure, runWorker } from '../../worker/run-worker.js';
import { enterView, restrictViewMount } from '../../worker/view.js';
import { InputReader } from '../context/inputs.js';
import { LAYER_FD, type LayerOrder, type LayerResult } from './layer-protocol.js';
import { removeMountPoints } from './mount-points.js';
import { writeChanges } from './write-changes.js';

/**
 * The helper that makes a layer. It runs in a user namespace with the container's id maps, so that files belong to the
 * image's ids. It mounts an empty directory over the layers below, writes the files of COPY or ADD, and packs the
 * content of the directory; after RUN, whose container has written to it, it only packs. It sees only those
 * directories: worker/view.ts.
 */
async function makeLayer(whole: LayerOrder): Promise<LayerResult> {
  const order = enter(whole);
  const { driver, folder, layers, isPacked, changes } = order;
  const upper = `${folder}/upper`;
  let lostOwners = 0;
  if (changes.length > 0) {
    const inputs = new InputReader(LAYER_FD.inputs);
    const openTree = (wanted: string[]) => openLayers(wanted, order);
    lostOwners = await writeChanges(changes, { root: openRoot(order), inputs, openTree });
  }
  if (!isPacked) return { diffID: '', digest: '', size: 0, plainSize: 0, isEmpty: false, lostOwners };
  if (driver === 'copy') moveChanges(`${folder}/${TREE}`, new LayerStack(layers), upper, timeOfCopy(folder));
  removeMountPoints(upper, layers, order.mountPoints);
  return { ...(await pack(upper, order)), lostOwners };
}

const DIRECTORY = 0o10000000 | constants.O_DIRECTORY; // O_PATH

/** Enters a view with only the order's folders. Returns the order with their paths there. */
function enter(order: LayerOrder): LayerOrder {
  const sources = order.changes.flatMap((change) =>
    change.kind === 'copy' && change.from !== 'input' ? change.from.layers : [],
  );
  const places = new Map([...order.layers, ...sources].map((path, index) => [path, `/layers/${index}`]));
  const at = (path: string) => places.get(path) ?? '';
  const folder = '/folder';
  // No process changes them now. Links are followed as inside a container: openat2(2).
  const links = true;
  enterView(
    [
      ...[...places].map(([path, place]) => ({
        path: place,
        directory: openSync(path, DIRECTORY),
        allows: { links },
      })),
      {
        path: folder,
        directory: openSync(order.folder, DIRECTORY),
        allows: { links, writing: true },
      },
    ],
    { hasDescriptors: true },
  );
  const changes = order.changes.map((change) =>
    change.kind === 'copy' && change.from !== 'input'
      ? { ...change, from: { ...change.from, layers: change.from.layers.map(at) } }
      : change,
  );
  return { ...order, folder, layers: order.layers.map(at), changes };
}

/** Opens the tree to change. */
function openRoot({ isPacked, driver, folder, layers }: LayerOrder): number {
  if (!isPacked) return openSync(`${folder}/upper`, DIRECTORY);
  if (driver === 'copy') return openSync(`${folder}/${TREE}`, DIRECTORY);
  const upper = { folder: `${folder}/upper`, work: `${folder}/work` };
  mountOverlay(`${folder}/root`, { lower: layers, upper });
  return openSync(`${folder}/root`, DIRECTORY);
}

/** Opens the merged view of layers. */
function openLayers(layers: string[], { driver, folder }: LayerOrder): number {
  const [only = '', ...more] = layers;
  if (more.length === 0) return openSync(only, DIRECTORY);
  const spare = `${folder}/spare`;
  if (driver === 'copy') {
    const tree = mkdtempSync(`${spare}/`);
    copyTree(new LayerStack(layers), tree);
    return openSync(tree, DIRECTORY);
  }
  mountOverlay(spare, { lower: layers });
  restrictViewMount(spare, { links: true });
  return openSync(spare, DIRECTORY);
}

type Packed = Omit<LayerResult, 'lostOwners'>;

/** Packs the content of a directory as a layer. */
async function pack(top: string, { timestamp }: LayerOrder): Promise<Packed> {
  const plain = createHash('sha256');
  const compressed = createHash('sha256');
  let plainSize = 0;
  function* pieces(): Generator<Buffer> {
    for (const piece of layerTar(top, { timestamp, setsTimes: true })) {
      plain.update(piece);
      plainSize += piece.length;
      yield piece;
    }
  }
  let size = 0;
  for await (const piece of parallelGzip(pieces())) {
    compressed.update(piece);
    size += piece.length;
    writeFully(LAYER_FD.output, piece);
  }
  return {
    diffID: `sha256:${plain.digest('hex')}`,
    digest: `sha256:${compressed.digest('hex')}`,
    size,
    plainSize,
    isEmpty: plainSize <= END_OF_ARCHIVE,
  };
}

const END_OF_ARCHIVE = 1024;

function explain(error: unknown): Failure | undefined {
  const code = errnoOfAny(error);
  if (code?.startsWith('Z_')) return { error: 'the compressed archive is corrupt or truncated' };
  if (code === 'ENOSPC' || code === 'EDQUOT') return errnoFailure(error, 'cannot write the layer');
  return undefined;
}

runWorker({ open: (order: LayerOrder) => order, work: makeLayer, explain });
