import { closeSync, openSync, readSync } from 'node:fs';
import { isatty } from 'node:tty';
import { findFuseOverlayfs } from '../../launch/storage-program.js';
import { isShifted } from '../../plan/handed-mounts.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openPidfd, pipe } from '../../sys/libc.js';
import { containerFolder } from '../../sys/paths.js';
import { processStart } from '../../sys/process.js';
import { writeFully } from '../../sys/write.js';
import { TarReader } from '../../tar/reader.js';
import { shiftedMounts } from '../../worker/shifted-mounts.js';
import { type ContainerRecord, hasNoFiles, layersOf, subpathsOf } from '../record.js';
import { mapsOf } from '../remove.js';
import { type Container, isAlive, lockContainer, readContainer, readLive } from '../store.js';
import { copyPath, HOST } from './paths.js';
import { COPY_FD, type CopyOrder, type CopyOverlay, type CopyResult } from './protocol.js';
import { CopySink } from './sink.js';
import { writeArchive } from './source.js';
import { type CopyHelper, openDevNull, startCopyHelper } from './start-helper.js';

export interface CopyOptions {
  /** Whether to keep uids and gids. */
  archive: boolean;
  followLink: boolean;
  /** Whether a directory can replace another file, and the other way round. */
  overwrite: boolean;
  warn(sentence: string): void;
}

const PIECE = 256 * 1024;

/**
 * Copies a file or directory of a container to a path on the host, or as a tar archive to standard output for `-`.
 * Blocks: a signal ends the process, and the helper with it.
 * @throws FosterError
 */
export function copyOut(
  container: Container,
  source: string,
  destination: string,
  options: CopyOptions,
): void {
  if (destination === '-' && isatty(1)) {
    throw new FosterError('cannot write a tar archive to a terminal', {
      advice: 'redirect it: foster cp CONTAINER:PATH - > files.tar',
      exitCode: 1,
    });
  }
  const order = orderOf('out', container, source, options);
  withHelper(container, order, (start) => {
    if (destination === '-') return warnOfLosses(start({ output: 1 }).wait(), options);
    const [read, write] = pipe();
    let helper: CopyHelper;
    try {
      helper = start({ output: write });
    } finally {
      closeSync(write);
    }
    const isRoot = process.geteuid?.() === 0;
    const keep = options.archive && isRoot; // only root can give files to other users
    const sink = new CopySink(copyPath(HOST, destination), {
      isStream: false,
      keepOwners: keep,
      keepSetIds: keep,
      overwrite: options.overwrite,
    });
    try {
      const reader = new TarReader(sink);
      const buffer = Buffer.allocUnsafeSlow(PIECE);
      for (let size = -1; size !== 0; ) {
        size = readSync(read, buffer);
        reader.push(buffer.subarray(0, size));
      }
      const result = helper.wait(); // its error says more than the end of the archive
      reader.end();
      sink.finish();
      warnOfLosses(result, options);
    } finally {
      helper.kill();
      sink.close();
      closeSync(read);
    }
  });
}

/**
 * Copies a path on the host to a container; `-` is a tar archive on standard input, which is unpacked in a directory
 * there.
 * @throws FosterError
 */
export function copyIn(
  source: string,
  container: Container,
  destination: string,
  options: CopyOptions,
): void {
  if (source === '-') {
    unpackIn(0, container, destination, options);
    return;
  }
  const order = orderOf('in', container, destination, options);
  const from = copyPath(HOST, source);
  withHelper(container, order, (start) => {
    const [read, write] = pipe();
    let helper: CopyHelper;
    try {
      helper = start({ input: read });
    } catch (error) {
      closeSync(write);
      throw error;
    } finally {
      closeSync(read);
    }
    let skipped = 0;
    try {
      try {
        skipped = writeArchive(from, options, (bytes) => writeFully(write, bytes));
      } catch (error) {
        if (errnoOf(error) !== 'EPIPE') throw error; // the helper has exited, and reports why
      } finally {
        closeSync(write);
      }
      const result = helper.wait();
      warnOfLosses({ ...result, skipped: result.skipped + skipped }, options);
    } finally {
      helper.kill();
    }
  });
}

/** Unpacks a tar archive, read from a descriptor, in a directory of a container. @throws FosterError */
export function unpackIn(
  input: number,
  container: Container,
  destination: string,
  options: CopyOptions,
): void {
  const order = orderOf('in', container, destination, options);
  withHelper(container, { ...order, isStream: true, keepOwners: true }, (start) => {
    warnOfLosses(start({ input }).wait(), options);
  });
}

/**
 * Copies a path of a container to another container, or to another place in the same one. One helper reads the archive
 * that the other one writes.
 * @throws FosterError
 */
export function copyBetween(
  from: { container: Container; path: string },
  to: { container: Container; path: string },
  options: CopyOptions,
): void {
  const { record, state } = from.container;
  if (record.id === to.container.record.id && !isAlive(state)) {
    throw new FosterError(`cannot copy within container ${record.name}: it is not running`, {
      kind: 'conflict',
      advice: `first: foster start ${record.name}`,
      exitCode: 1,
    });
  }
  withHelper(from.container, orderOf('out', from.container, from.path, options), (startSource) => {
    withHelper(to.container, orderOf('in', to.container, to.path, options), (startSink) => {
      const [read, write] = pipe();
      const helpers: CopyHelper[] = [];
      try {
        try {
          helpers.push(startSource({ output: write }));
          helpers.push(startSink({ input: read }));
        } finally {
          closeSync(read);
          closeSync(write);
        }
        const [source, sink] = helpers.map(outcomeOf);
        // If the sink fails, the source only finds its output closed. That is not the cause.
        const failure = source?.error === undefined || errnoOfAny(source.error) === 'EPIPE' ? sink : source;
        if (failure?.error !== undefined) throw failure.error;
        const { skipped = 0 } = source?.result ?? {};
        const { lostOwners = 0 } = sink?.result ?? {};
        warnOfLosses({ skipped: skipped + (sink?.result?.skipped ?? 0), lostOwners }, options);
      } finally {
        for (const helper of helpers) helper.kill();
      }
    });
  });
}

function outcomeOf(helper: CopyHelper): { result?: CopyResult; error?: unknown } {
  try {
    return { result: helper.wait() };
  } catch (error) {
    return { error };
  }
}

type Order = Omit<CopyOrder, 'isMapped' | 'hasOneOwner' | 'overlay'>;

function orderOf(
  direction: 'in' | 'out',
  { record: { name } }: Container,
  path: string,
  { followLink, archive, overwrite }: CopyOptions,
): Order {
  return { direction, name, path, isStream: false, followLink, keepOwners: archive, overwrite };
}

function warnOfLosses({ skipped, lostOwners }: CopyResult, { warn }: CopyOptions): void {
  if (skipped > 0) warn(`devices and sockets are not copied: ${skipped} skipped`);
  if (lostOwners > 0) warn(`files whose owner is not mapped there now belong to root: ${lostOwners}`);
}

/**
 * Lets `use` start a helper for a container. If the container is running, the helper gets its root directory. Otherwise
 * the helper mounts its root again, and the container's lock keeps it from being started.
 */
function withHelper(
  container: Container,
  order: Order,
  use: (start: (files: { input?: number; output?: number }) => CopyHelper) => void,
): void {
  const { record } = container;
  const nothing = openDevNull();
  const opened = openContainer(record);
  const mounts: (number | undefined)[] = [];
  try {
    const { overlay, shifted } =
      opened.root === undefined ? overlayOf(record) : { overlay: undefined, shifted: [] };
    mounts.push(...shifted);
    use(({ input = nothing, output = nothing }) =>
      startCopyHelper({ ...order, overlay }, mapsOf(record), { input, output, ...opened, shifted }),
    );
  } finally {
    for (const fd of [nothing, opened.root, opened.lock, opened.inside, ...mounts])
      if (fd !== undefined) closeSync(fd);
  }
}

function pidfdOf(pid: number): number | undefined {
  try {
    return openPidfd(pid);
  } catch (error) {
    if (errnoOfAny(error) === 'ESRCH') return undefined; // it has just exited
    throw error;
  }
}

interface OpenContainer {
  /** undefined if it is not running. */
  root: number | undefined;
  lock: number | undefined;
  inside: number | undefined;
}

const O_PATH = 0o10000000;

function openContainer(record: ContainerRecord): OpenContainer {
  const { id, name } = record;
  const lock = lockContainer(id, { wait: false });
  if (lock !== undefined) return { root: undefined, lock, inside: undefined };
  const state = readContainer(id)?.state;
  if (state?.status === 'running' || state?.status === 'paused') {
    // A FUSE file system can only be accessed in the user namespace in which it was mounted: fuse(4).
    const isFuse = record.driver === 'fuse-overlayfs' && mapsOf(record) !== undefined;
    const inside = isFuse ? pidfdOf(state.pid) : undefined;
    const root = openRunningRoot(id, state.pid);
    if (root !== undefined) return { root, lock: undefined, inside };
    if (inside !== undefined) closeSync(inside);
  }
  throw new FosterError(`cannot copy from or to container ${name}: it is being started or removed`, {
    advice: 'try again',
    exitCode: 1,
  });
}

/**
 * Opens the root directory of PID 1. Only the owner of its user namespace can do that, so the helper, in another
 * namespace, gets the descriptor.
 */
function openRunningRoot(id: string, pid: number): number | undefined {
  let root: number;
  try {
    root = openSync(`/proc/${pid}/root`, O_PATH);
  } catch (error) {
    if (errnoOfAny(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (readLive(id)?.pidStart === processStart(pid)) return root;
  closeSync(root);
  return undefined; // the pid has been reused
}

/** The limit for shifted mounts: each takes a descriptor, and the helper can have MAX_DESCRIPTORS (src/init/wire.h). */
const MAX_SHIFTED = 20;

/** The parts of a stopped container's files, and the mounts for its descriptors. */
function overlayOf(record: ContainerRecord): { overlay: CopyOverlay; shifted: (number | undefined)[] } {
  const { id, spec, driver = 'overlay', isRootShifted } = record;
  if (driver === 'in-place') {
    throw new FosterError(`container ${record.name} is not running, and its files are in ${spec.root.path}`, {
      advice: 'copy from or to that folder directly',
      exitCode: 1,
    });
  }
  if (driver === 'empty') throw hasNoFiles(record);
  const binds = spec.mounts.filter(({ type, source }) => type === 'bind' && source);
  const subpaths = subpathsOf(record);
  const layers = layersOf(record);
  const isLayerShifted = isRootShifted && driver === 'overlay';
  const wanted = [
    ...(isLayerShifted ? [{ source: layers[0] ?? '/', isDeep: false }] : []),
    ...binds.filter(isShifted).map(({ source, destination, options }) => ({
      source,
      beneath: subpaths.get(destination),
      isDeep: options.includes('rbind'),
    })),
  ];
  if (wanted.length > MAX_SHIFTED) {
    throw new FosterError(
      `cannot copy from or to container ${record.name}: it has ${wanted.length} volumes, and only ${MAX_SHIFTED} are possible while it is not running`,
      { advice: `start it first: foster start ${record.name}`, exitCode: 1 },
    );
  }
  const shifted = shiftedMounts(wanted, mapsOf(record) ?? { uid: [], gid: [], helpers: false });
  const descriptors = shifted.map((fd, index) => (fd === undefined ? undefined : COPY_FD.shifted + index));
  const overlay: CopyOverlay = {
    driver,
    ...(driver === 'fuse-overlayfs' && { program: findFuseOverlayfs() }),
    layers,
    shifted: isLayerShifted ? descriptors.shift() : undefined,
    folder: containerFolder(id),
    isReadOnly: spec.root.readonly,
    volumes: binds.map((mount) => ({
      source: mount.source,
      beneath: subpaths.get(mount.destination),
      destination: mount.destination,
      isReadOnly: mount.options.includes('ro'),
      shifted: isShifted(mount) ? descriptors.shift() : undefined,
    })),
    volatile: spec.mounts.filter(({ type }) => type !== 'bind').map(({ destination }) => destination),
  };
  return { overlay, shifted };
}
