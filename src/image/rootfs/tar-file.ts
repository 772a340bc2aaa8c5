import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, read, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { feed } from '../../layers/feed.js';
import { startUnpacker } from '../../layers/unpack.js';
import type { UnpackReport } from '../../layers/unpack-protocol.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { duplicate } from '../../sys/libc.js';
import { type Compression, compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { peek } from '../../tar/peek.js';
import { type Progress, readPosition, startProgress } from '../registry/progress.js';
import { cachedTree, makeTree, mapsKey, type Workspace, withLock } from './cache.js';
import { fileKey, findTreeOfFile, isSizeKnown, rememberTreeOfFile } from './file-index.js';
import { refuseImageArchive } from './image-archive.js';
import type { RootOptions } from './root-tree.js';

const PIECE = 1024 * 1024;

/**
 * Unpacks the tar archive on standard input.
 * @returns the name of the tree
 * @throws FosterError
 */
export async function unpackStandardInput(options: RootOptions): Promise<string> {
  if (isatty(0)) {
    throw new FosterError('cannot read a tar archive from standard input: it is a terminal', {
      advice: 'pipe an archive to it: tar -c -C DIRECTORY . | foster run - COMMAND',
    });
  }
  return await unpackToCache(undefined, options, (workspace) =>
    unpackStream(workspace, 'standard input', standardInput(), options),
  );
}

/**
 * Unpacks a tar file, unless that has been done. The file may be a pipe.
 * @returns the name of the tree
 * @throws FosterError
 */
export async function unpackFile(path: string, options: RootOptions): Promise<string> {
  const key = fileKey(path, options.maps);
  if (key === undefined) {
    const stream = streamOf(open(path));
    return await unpackToCache(path, options, (workspace) => unpackStream(workspace, path, stream, options));
  }
  return await withLock(`tar-${key}`, async () => {
    const known = findTreeOfFile(key); // another process may have unpacked it while this one waited
    if (known !== undefined && cachedTree(known) !== undefined) return known;
    const same = await findByContent(path, key, options);
    const name =
      same ??
      (await unpackToCache(path, options, (workspace) => unpackUnchanged(workspace, path, key, options)));
    rememberTreeOfFile(key, name);
    return name;
  });
}

/** Uses a duplicate: process.stdin would close descriptor 0 at its end, and the container needs it. */
function standardInput(): Readable {
  return streamOf(duplicate(0));
}

/** Closes the descriptor at the end. */
function streamOf(fd: number): Readable {
  const info = fstatSync(fd);
  // A read that blocks until the other end writes would keep this process from ending at Ctrl-C.
  if (info.isFIFO() || info.isSocket()) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, highWaterMark: PIECE });
}

async function unpackUnchanged(
  workspace: Workspace,
  path: string,
  key: string,
  options: RootOptions,
): Promise<string> {
  const digest = await unpackRegularFile(workspace, path, options);
  if (fileKey(path, options.maps) === key) return digest;
  throw new FosterError(`cannot unpack ${path}: it changed while it was read`, { advice: 'try again' });
}

/** Reading the file twice is worth it only if the same content has probably been unpacked before. */
async function findByContent(path: string, key: string, options: RootOptions): Promise<string | undefined> {
  if (!isSizeKnown(key)) return undefined;
  const fd = open(path);
  try {
    const name = treeName(await digestOf(fd, path), options);
    return cachedTree(name) === undefined ? undefined : name;
  } finally {
    closeSync(fd);
  }
}

function treeName(digest: string, { maps }: RootOptions): string {
  return `sha256-${digest}-${mapsKey(maps)}`;
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(title: string, error: unknown): FosterError {
  const code = errnoOf(error);
  const why = code === undefined ? String(error) : errnoWords(errnoNumber(code));
  return new FosterError(`cannot read ${title}: ${why}`, { cause: error });
}

/** Digest of the whole file, whatever its current position; in hexadecimal. */
async function digestOf(fd: number, title: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(PIECE);
  const readAt = promisify(read);
  try {
    for (let at = 0; !signal?.aborted; ) {
      const { bytesRead } = await readAt(fd, buffer, 0, PIECE, at);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } catch (error) {
    throw cannotRead(title, error);
  }
  return hash.digest('hex');
}

async function unpackToCache(
  path: string | undefined,
  options: RootOptions,
  unpack: (workspace: Workspace) => Promise<string>,
): Promise<string> {
  let name = '';
  await makeTree(options.maps, async (workspace) => {
    name = treeName(await unpack(workspace), options);
    refuseImageArchive(workspace.tree, path, `cannot unpack ${path ?? 'standard input'}: `);
    return name;
  });
  return name;
}

/**
 * Unpacks a file: the unpacker reads it, while its digest is computed here.
 * @returns digest of the file in hexadecimal
 */
export async function unpackRegularFile(
  workspace: Workspace,
  path: string,
  options: RootOptions,
): Promise<string> {
  const fd = open(path);
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    const compression = compressionFor(path, start.subarray(0, readSync(fd, start, 0, MAGIC_SIZE, 0)));
    const unpacking = startUnpacker(workspace.tree, compression, options, fd);
    workspace.onInterrupt(unpacking.kill);
    const progress = await startProgress(path, fstatSync(fd).size, () => readPosition(fd));
    workspace.onInterrupt(progress.stop);
    const abort = new AbortController();
    const digest = digestOf(fd, path, abort.signal);
    digest.catch(() => {}); // reported below, unless the unpacker has failed before
    try {
      conclude(path, await unpacking.report, progress);
      return await digest;
    } finally {
      abort.abort();
      await digest.catch(() => {}); // the descriptor is closed next
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Unpacks a stream.
 * @returns digest of the whole stream, in hexadecimal
 */
async function unpackStream(
  workspace: Workspace,
  title: string,
  stream: Readable,
  options: RootOptions,
): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        hash.update(piece);
        done += piece.length;
        yield piece;
      }
    } catch (error) {
      throw cannotRead(title, error);
    }
  }
  try {
    const { start, all } = await peek(watched(), MAGIC_SIZE);
    const unpacking = startUnpacker(workspace.tree, compressionFor(title, start), options);
    workspace.onInterrupt(unpacking.kill);
    const progress = await startProgress(title, undefined, () => done);
    workspace.onInterrupt(progress.stop);
    try {
      await feed(unpacking, all);
    } catch (error) {
      progress.stop();
      throw error;
    }
    conclude(title, await unpacking.report, progress);
    return hash.digest('hex');
  } finally {
    stream.destroy();
  }
}

function conclude(title: string, report: UnpackReport, progress: Progress): void {
  progress.stop();
  if ('error' in report) {
    const advice = report.advice === undefined ? {} : { advice: report.advice };
    throw new FosterError(`cannot unpack ${title}: ${report.error}`, advice);
  }
  progress.summarize(report.written);
}

function compressionFor(title: string, start: Buffer): Compression {
  if (start.length === 0) throw new FosterError(`cannot unpack ${title}: it is empty`);
  try {
    return compressionOf(start);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const advice = error.advice === undefined ? {} : { advice: error.advice };
    throw new FosterError(`cannot unpack ${title}: ${error.message}`, advice);
  }
}
