import { createHash } from 'node:crypto';
import { constants, mkdtempSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { copiedAt } from '../../layers/changed-files.js';
import { copyTree } from '../../layers/copy.js';
import { divideTree } from '../../layers/divide.js';
import { LayerStack } from '../../layers/stack.js';
import { layerTar } from '../../layers/tar.js';
import { TREE } from '../../layers/tree-protocol.js';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { setParentDeathSignal } from '../../sys/libc.js';
import { mountOverlay } from '../../sys/mount.js';
import { writeFully } from '../../sys/write.js';
import { parallelGzip } from '../../tar/parallel-gzip.js';
import { enterView, limitInView } from '../../worker/view.js';
import { InputReader } from '../context/inputs.js';
import { writeChanges } from './changes.js';
import { LAYER_FD, type LayerOrder, type LayerReport } from './layer-protocol.js';
import { removeMountPoints } from './mount-points.js';

/**
 * The program that makes a layer: started in a user namespace with the container's id maps, so that files belong to the
 * ids that the image says. It lays an empty directory over the layers below, writes what COPY or ADD brings, and packs
 * what the directory has then; after RUN, whose container has written to it, it only packs. It sees those directories and
 * nothing else: worker/view.ts.
 */
async function makeLayer(whole: LayerOrder): Promise<LayerReport> {
  const parent = process.ppid;
  if (readSync(LAYER_FD.control, Buffer.alloc(1)) === 0) process.exit(1); // nobody is there to map our ids
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (!whole.hasOneOwner) process.setgroups?.([]);
  process.setuid?.(0);
  setParentDeathSignal(9); // a change of ids has cleared it
  if (process.ppid !== parent) process.exit(1);
  process.umask(0);
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
  if (driver === 'copy') divideTree(`${folder}/${TREE}`, new LayerStack(layers), upper, copiedAt(folder));
  removeMountPoints(upper, layers, order.mountPoints);
  return { ...(await pack(upper, order)), lostOwners };
}

const DIRECTORY = 0o10000000 | constants.O_DIRECTORY; // O_PATH

/** Has nothing but the order's folders for a root. Returns it with their paths there. */
function enter(order: LayerOrder): LayerOrder {
  const sources = order.changes.flatMap((change) =>
    change.kind === 'copy' && change.from !== 'input' ? change.from.layers : [],
  );
  const places = new Map([...order.layers, ...sources].map((path, index) => [path, `/layers/${index}`]));
  const at = (path: string) => places.get(path) ?? '';
  const folder = '/folder';
  // Nobody changes them now. Links are followed as from inside of a container: openat2(2).
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

/** What the changes are made to. */
function openRoot({ isPacked, driver, folder, layers }: LayerOrder): number {
  if (!isPacked) return openSync(`${folder}/upper`, DIRECTORY);
  if (driver === 'copy') return openSync(`${folder}/${TREE}`, DIRECTORY);
  const upper = { folder: `${folder}/upper`, work: `${folder}/work` };
  mountOverlay(`${folder}/root`, { lower: layers, upper });
  return openSync(`${folder}/root`, DIRECTORY);
}

/** The files that layers show over each other. */
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
  limitInView(spare, { links: true });
  return openSync(spare, DIRECTORY);
}

type Packed = Omit<Exclude<LayerReport, { error: string }>, 'lostOwners'>;

/** What a directory holds, as a layer. */
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

function toReport(error: unknown): LayerReport {
  if (error instanceof FosterError) {
    return { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) };
  }
  const code = errnoOfAny(error);
  if (code?.startsWith('Z_')) return { error: 'the compressed archive is corrupt or truncated' };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return {
      error: `cannot write the layer: ${errnoWords(errnoNumber(code))}`,
      advice: 'free some space on that disk',
    };
  }
  return { error: `the layer could not be made: ${error instanceof Error ? error.message : String(error)}` };
}

async function main(): Promise<void> {
  // Ctrl-C reaches all processes of the terminal. foster itself ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  let report: LayerReport;
  try {
    report = await makeLayer(JSON.parse(readFileSync(LAYER_FD.order, 'utf8')) as LayerOrder);
  } catch (error) {
    report = toReport(error);
  }
  writeSync(LAYER_FD.report, JSON.stringify(report));
  process.exit(0);
}

main();
