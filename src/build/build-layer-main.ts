import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { FosterError } from '../errors.js';
import { copiedAt } from '../image/changed-files.js';
import { LayerStack } from '../image/layer-stack.js';
import { layerTar } from '../image/layer-tar.js';
import { parallelGzip } from '../image/parallel-gzip.js';
import { divideTree } from '../image/tree-divide.js';
import { TREE } from '../image/tree-protocol.js';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { errnoOfAny } from '../sys/ffi.js';
import { changeRoot, setParentDeathSignal } from '../sys/libc.js';
import { makeMountsPrivate, mountOverlay } from '../sys/mount.js';
import { writeFully } from '../sys/write.js';
import { writeChanges } from './changes.js';
import { LAYER_FD, type LayerOrder, type LayerReport } from './layer-protocol.js';
import { removeMountPoints } from './mount-points.js';

/**
 * The program that makes a layer: started in a user namespace with the container's id maps, so that files belong to the
 * ids that the image says. It lays an empty directory over the layers below, writes what COPY or ADD brings, and packs
 * what the directory has then; after RUN, whose container has written to it, it only packs.
 */
async function makeLayer(order: LayerOrder): Promise<LayerReport> {
  const parent = process.ppid;
  if (readSync(LAYER_FD.control, Buffer.alloc(1)) === 0) process.exit(1); // nobody is there to map our ids
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (!order.hasOneOwner) process.setgroups?.([]);
  process.setuid?.(0);
  setParentDeathSignal(9); // a change of ids has cleared it
  if (process.ppid !== parent) process.exit(1);
  process.umask(0);
  let lostOwners = 0;
  if (order.changes.length > 0) {
    makeMountsPrivate();
    lostOwners = await writeChanges(order, openRoot(order));
  }
  const { driver, folder, layers, isPacked } = order;
  if (!isPacked) return { diffID: '', digest: '', size: 0, plainSize: 0, isEmpty: false, lostOwners };
  if (driver === 'copy')
    divideTree(`${folder}/${TREE}`, new LayerStack(layers), `${folder}/upper`, copiedAt(folder));
  removeMountPoints(`${order.folder}/upper`, order.layers, order.mountPoints);
  changeRoot(`${order.folder}/upper`);
  return { ...(await pack(order)), lostOwners };
}

const O_PATH = 0o10000000;

const DIRECTORY = O_PATH | constants.O_DIRECTORY;

function openRoot(order: LayerOrder): number {
  if (!order.isPacked) return openSync(`${order.folder}/upper`, DIRECTORY);
  return order.driver === 'copy' ? openSync(`${order.folder}/${TREE}`, DIRECTORY) : mountRoot(order);
}

/** The new layer over those below; gone with our mount namespace. */
function mountRoot({ folder, layers }: LayerOrder): number {
  const flags = DIRECTORY;
  const lower = layers.map((layer) => openSync(layer, flags));
  const own = openSync(folder, flags);
  const at = (fd: number) => `/proc/self/fd/${fd}`;
  mountOverlay(`${at(own)}/root`, {
    lower: lower.map(at),
    upper: { folder: `${at(own)}/upper`, work: `${at(own)}/work` },
  });
  const root = openSync(`${at(own)}/root`, flags);
  for (const fd of [...lower, own]) closeSync(fd);
  return root;
}

type Packed = Omit<Exclude<LayerReport, { error: string }>, 'lostOwners'>;

/** What the root directory holds, as a layer. */
async function pack({ timestamp }: LayerOrder): Promise<Packed> {
  const plain = createHash('sha256');
  const compressed = createHash('sha256');
  let plainSize = 0;
  function* pieces(): Generator<Buffer> {
    for (const piece of layerTar('/', { timestamp, setsTimes: true })) {
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
      advice: 'make room on that disk',
    };
  }
  return { error: `the layer could not be made: ${error instanceof Error ? error.message : String(error)}` };
}

async function main(): Promise<void> {
  // Ctrl-C reaches all processes of the terminal. foster itself ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  let report: LayerReport;
  try {
    report = await makeLayer(JSON.parse(process.argv[2] ?? '') as LayerOrder);
  } catch (error) {
    report = toReport(error);
  }
  writeSync(LAYER_FD.report, JSON.stringify(report));
  process.exit(0);
}

main();
