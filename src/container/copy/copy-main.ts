import { constants, fstatSync, mkdirSync, openSync, readSync, rmdirSync, unlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { mountStorage } from '../../launch/storage-program.js';
import { TREE } from '../../layers/tree-protocol.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openBeneath, openInRoot } from '../../sys/libc.js';
import {
  attachMount,
  bindMount,
  makeMountsPrivate,
  makeReadOnly,
  mountOverlay,
  mountTmpfs,
} from '../../sys/mount.js';
import { sleep, writeFully } from '../../sys/write.js';
import { compressionOf } from '../../tar/compression.js';
import { TarReader } from '../../tar/reader.js';
import type { Failure } from '../../worker/protocol.js';
import { runWorker } from '../../worker/run-worker.js';
import { type CopyPath, containerSide, copyError, copyPath, openPath, withOpen } from './paths.js';
import { COPY_FD, type CopyOrder, type CopyOverlay, type CopyResult, type Volume } from './protocol.js';
import { CopySink } from './sink.js';
import { writeArchive } from './source.js';

/**
 * The helper that accesses a container's files for `foster cp`. It runs in a user namespace with the container's id
 * maps, so that it can read and create files of all of the container's users, but as a process of the host: it executes
 * nothing from the container, and the container cannot find its descriptors. In a running container, an attacker can
 * change any path at any moment, so a path is only resolved by openat2(2) with RESOLVE_IN_ROOT, and then by single
 * names in open directories, without following links (paths.ts). foster itself reads and writes the host's files, and a
 * tar archive goes through a pipe between the two. So no process ever resolves paths of both sides.
 */
async function copy({ order, layers }: Opened): Promise<CopyResult> {
  const root = order.overlay && layers ? mountRoot(order.overlay, layers) : COPY_FD.root;
  const target = copyPath(containerSide(root, order.name), order.path);
  if (order.direction === 'out') {
    const skipped = writeArchive(target, order, (bytes) => writeFully(COPY_FD.output, bytes));
    return { skipped, lostOwners: 0 };
  }
  const { isStream, keepOwners, overwrite } = order;
  refuseVolatile(target, order.overlay?.volatile ?? []);
  const sink = new CopySink(target, { isStream, keepOwners, keepSetIds: true, overwrite });
  const reader = new TarReader(sink);
  for await (const piece of isStream ? archive() : pieces()) reader.push(piece as Buffer);
  reader.end();
  sink.finish();
  return { skipped: sink.skipped, lostOwners: sink.lostOwners };
}

interface Opened {
  order: CopyOrder;
  layers: Layers | undefined;
}

/** Opened in the helper, because mounts must belong to its own mount namespace. */
function open(order: CopyOrder): Opened {
  return { order, layers: order.overlay && openLayers(order.overlay) };
}

const O_PATH = 0o10000000;

/** Descriptors of open folders. */
interface Layers {
  lower: number[];
  folder: number;
}

function openLayers({ layers, folder }: CopyOverlay): Layers {
  const flags = O_PATH | constants.O_DIRECTORY;
  try {
    return { lower: layers.map((layer) => openSync(layer, flags)), folder: openSync(folder, flags) };
  } catch (error) {
    throw copyError('open the layers of the container', error);
  }
}

/** Mounts the files of a stopped container as it would see them; they disappear with this mount namespace. */
function mountRoot(overlay: CopyOverlay, layers: Layers): number {
  const { driver, isReadOnly, volumes } = overlay;
  const folder = `/proc/self/fd/${layers.folder}`;
  makeMountsPrivate();
  try {
    if (driver === 'copy') bindMount(`${folder}/${TREE}`, `${folder}/root`);
    else if (driver === 'fuse-overlayfs') mountByProgram(overlay);
    else mountLayers(folder, overlay.shifted === undefined ? layers : attachLayer(folder, overlay.shifted));
  } catch (error) {
    throw copyError("mount the container's changes over its root filesystem", error);
  }
  const root = openSync(`${folder}/root`, O_PATH | constants.O_DIRECTORY);
  const volatile = mountVolatile(root, overlay.volatile);
  for (const volume of volumes) mountVolume(root, volume);
  for (const path of volatile)
    withOpen(openInRoot(root, path, O_PATH), (fd) => makeReadOnly(fd, { isDeep: false }));
  if (isReadOnly) makeReadOnly(root, { isDeep: false });
  return root;
}

/** fuse-overlayfs exits with this process. It does not buffer, so files are on the disk when they are closed. */
function mountByProgram({ program, folder, layers }: CopyOverlay): void {
  if (program === undefined) throw new Error('the path of fuse-overlayfs is missing');
  mountStorage({ program, container: folder, layers });
}

/** Attaches the layer in this mount namespace, where it can be used for an overlay. */
function attachLayer(folder: string, layer: number): Pick<Layers, 'lower'> {
  attachMount(layer, `${folder}/root`);
  return { lower: [layer] };
}

function mountLayers(folder: string, layers: Pick<Layers, 'lower'>): void {
  for (const name of ['upper', 'work']) {
    try {
      mkdirSync(`${folder}/${name}`, 0o755);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
  const lower = layers.lower.map((fd) => `/proc/self/fd/${fd}`);
  const upper = { folder: `${folder}/upper`, work: `${folder}/work` };
  forgetVolatile(`${upper.work}/work/incompat`);
  mountOverlay(`${folder}/root`, { lower, upper });
}

/** As at the next start of a container whose overlay was volatile: src/plan/rootfs.ts. */
function forgetVolatile(mark: string): void {
  try {
    unlinkSync(`${mark}/volatile/dirty`);
    rmdirSync(`${mark}/volatile`);
    rmdirSync(mark);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * Mounts an empty directory over each mount point of the container itself, because the container will not see the files
 * there. It is read-only in the end, because files copied there would be hidden after the start.
 * @returns the paths that are mounted
 */
function mountVolatile(root: number, paths: readonly string[]): string[] {
  const outermost = paths.filter(
    (path) => !paths.some((other) => path !== other && path.startsWith(`${other}/`)),
  );
  for (const path of outermost) {
    makeDirectories(root, path);
    withOpen(openInRoot(root, path, O_PATH), (place) => mountTmpfs(`/proc/self/fd/${place}`));
  }
  for (const path of paths) makeDirectories(root, path); // mount points in others, such as /dev/shm
  return outermost;
}

/** @throws FosterError if a path leads to one of the mounts that a stopped container will make itself */
function refuseVolatile(target: CopyPath, paths: readonly string[]): void {
  const device = (path: string) => {
    const opened = openPath({ side: target.side, path });
    return opened && withOpen(opened.fd, () => opened.info.dev);
  };
  // a file that does not exist yet is on the device of its directory
  const landing = device(target.path) ?? device(posix.dirname(target.path));
  const mount = landing === undefined ? undefined : paths.find((path) => device(path) === landing);
  if (mount === undefined) return;
  throw new FosterError(
    `cannot copy to ${target.side.describe(target.text)}: ${mount} is mounted anew at each start, and empty then`,
    { advice: 'start the container first', exitCode: 1 },
  );
}

function mountVolume(root: number, { source, beneath, destination, isReadOnly, shifted }: Volume): void {
  try {
    withOpen(openSource(source, beneath), (opened) => {
      if (fstatSync(opened).isDirectory()) makeDirectories(root, destination);
      withOpen(openInRoot(root, destination, O_PATH), (place) => {
        if (shifted === undefined) bindMount(`/proc/self/fd/${opened}`, `/proc/self/fd/${place}`);
        else attachMount(shifted, `/proc/self/fd/${place}`);
      });
    });
    if (isReadOnly)
      withOpen(openInRoot(root, destination, O_PATH), (fd) => makeReadOnly(fd, { isDeep: true }));
  } catch (error) {
    // A missing source, or a mount point that the container would create when it starts: skip it.
    if (errnoOfAny(error) !== 'ENOENT') throw copyError(`mount ${source} in the container`, error);
  }
}

/** Opens the source of a mount. In a directory that containers can change, no link is followed. */
function openSource(source: string, beneath: Volume['beneath']): number {
  if (beneath === undefined) return openSync(source, O_PATH);
  return withOpen(openSync(beneath.top, O_PATH | constants.O_DIRECTORY), (top) =>
    openBeneath(top, beneath.path, O_PATH),
  );
}

function makeDirectories(root: number, path: string): void {
  let parent = '/';
  for (const name of path.split('/').filter(Boolean)) {
    withOpen(openInRoot(root, parent, O_PATH | constants.O_DIRECTORY), (directory) => {
      try {
        mkdirSync(`/proc/self/fd/${directory}/${name}`, 0o755);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    });
    parent = `${parent}${name}/`;
  }
}

const PIECE = 256 * 1024;

function* pieces(): Generator<Buffer> {
  for (let size = 1; size > 0; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    size = readInput(piece);
    if (size > 0) yield piece.subarray(0, size);
  }
}

/** Returns 0 at the end. Another process may have made standard input non-blocking. */
function readInput(piece: Buffer): number {
  for (;;) {
    try {
      return readSync(COPY_FD.input, piece);
    } catch (error) {
      if (errnoOf(error) === 'EOF') return 0;
      if (errnoOf(error) !== 'EAGAIN') throw error;
      sleep(2);
    }
  }
}

/** The archive on standard input, which may be compressed with gzip. */
function archive(): Iterable<Buffer> | AsyncIterable<Buffer> {
  const source = pieces();
  let start = Buffer.alloc(0);
  for (let next = source.next(); ; next = source.next()) {
    if (!next.done) start = Buffer.concat([start, next.value]);
    if (next.done || start.length >= 512) break;
  }
  if (start.length === 0) throw new FosterError('cannot unpack standard input: it is empty', { exitCode: 1 });
  const compression = compressionOf(start);
  const whole = (function* () {
    yield start;
    yield* source;
  })();
  if (compression === 'none') return whole;
  if (compression === 'gzip') return Readable.from(whole).pipe(zlib.createGunzip({ chunkSize: PIECE }));
  throw new FosterError('cannot unpack standard input: it is compressed with zstd', {
    advice: 'zstd -dc FILE | foster cp - ...',
    exitCode: 1,
  });
}

function explain(error: unknown): Failure | undefined {
  if (errnoOf(error)?.startsWith('Z_')) return { error: 'the compressed archive is corrupt or truncated' };
  if (errnoOf(error) === 'EPIPE') return { error: 'the output was closed', errno: 'EPIPE' };
  return undefined;
}

runWorker({ open, work: copy, explain });
