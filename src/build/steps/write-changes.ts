import { closeSync, constants, fchownSync, mkdirSync, openSync } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { containerSide, copyPath, withOpen } from '../../container/copy/paths.js';
import { CopySink } from '../../container/copy/sink.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { SystemCallError } from '../../sys/ffi.js';
import { openInRoot } from '../../sys/libc.js';
import { type Member, nameComponents } from '../../tar/member.js';
import { TarReader, type TarSink } from '../../tar/reader.js';
import { TAR_END } from '../../tar/writer.js';
import type { InputReader } from '../context/inputs.js';
import { IgnoreRules } from '../context/patterns.js';
import { findSources, groupByParents, type Source, sourceTar } from '../context/sources.js';
import { changedMode } from './file-mode.js';
import type { Change, Destination, Owner } from './layer-protocol.js';

const O_PATH = 0o10000000;
const ROOT: Owner = { uid: 0, gid: 0 };

/** What making changes needs. */
export interface ChangeContext {
  /** Descriptor of the top of the root filesystem to change. */
  root: number;
  inputs: InputReader;
  /** Opens the merged view of layers. */
  openTree(layers: string[]): number;
}

/**
 * Writes the changes of COPY, ADD and WORKDIR to a root filesystem.
 * @returns how many files belong to root because their owner is not mapped
 * @throws FosterError
 */
export async function writeChanges(changes: readonly Change[], context: ChangeContext): Promise<number> {
  let lostOwners = 0;
  for (const change of changes) {
    if (change.kind === 'directory') makeDirectories(context.root, change.path, ROOT, 0o755);
    else if (change.kind === 'unpack') lostOwners += await unpack(change, context);
    else lostOwners += await copy(change, context);
  }
  return lostOwners;
}

async function unpack(change: Change & { kind: 'unpack' }, { root, inputs }: ChangeContext): Promise<number> {
  makeDirectories(root, change.path, change.owner ?? ROOT, 0o755);
  const sink = new CopySink(copyPath(containerSide(root), `${change.path}/`), SINK);
  const reader = new TarReader(new MemberChanger(sink, change.owner, undefined));
  const archive = inputs.next();
  for await (const piece of change.isCompressed ? unzipped(archive) : archive) reader.push(piece);
  if (!reader.isEmpty) reader.end();
  sink.finish();
  sink.close();
  return sink.lostOwners;
}

const SINK = { isStream: true, keepOwners: true, keepSetIds: true };

async function copy(
  change: Change & { kind: 'copy' },
  { root, inputs, openTree }: ChangeContext,
): Promise<number> {
  const { from, ...destination } = change;
  if (from === 'input') return await copyTo(inputs.next(), destination, root);
  const { layers, sources, excludes, keepsParents } = from;
  const rules = excludes.length === 0 ? undefined : new IgnoreRules(excludes.join('\n'));
  const tree = openTree(layers);
  let lostOwners = 0;
  try {
    const found = sources.flatMap((wanted) => findSources(tree, wanted, { excludes: rules, keepsParents }));
    for (const [parents, group] of groupByParents(found)) {
      const path = posix.join(change.path, parents);
      lostOwners += await copyTo(treePieces(tree, group, rules), { ...destination, path }, root);
    }
  } finally {
    closeSync(tree);
  }
  return lostOwners;
}

type CopyTo = Omit<Change & { kind: 'copy' }, 'kind' | 'from'>;

async function copyTo(pieces: Iterable<Buffer>, destination: CopyTo, root: number): Promise<number> {
  const target = new CopyTarget(root, destination);
  const reader = new TarReader(new MemberChanger(target, destination.owner, destination.mode));
  for (const piece of pieces) reader.push(piece);
  if (!reader.isEmpty) reader.end();
  target.finish();
  return target.lostOwners;
}

function unzipped(archive: Iterable<Buffer>): AsyncIterable<Buffer> {
  return Readable.from(archive).pipe(zlib.createGunzip({ chunkSize: 256 * 1024 }));
}

function* treePieces(tree: number, sources: Source[], excludes: IgnoreRules | undefined): Generator<Buffer> {
  for (const source of sources) yield* sourceTar(tree, source, {}, excludes);
  yield TAR_END;
}

/** Changes the owner or mode of members. */
class MemberChanger implements TarSink {
  constructor(
    readonly sink: TarSink,
    readonly owner: Owner | undefined,
    readonly mode: string | undefined,
  ) {}

  member(member: Member): void {
    const mode =
      this.mode === undefined || member.type === 'symlink'
        ? member.mode
        : changedMode(this.mode, member.mode, member.type === 'directory');
    this.sink.member({ ...member, ...this.owner, mode });
  }

  data(piece: Buffer): void {
    this.sink.data(piece);
  }

  hole(size: number): void {
    this.sink.hole?.(size);
  }

  endOfMember(): void {
    this.sink.endOfMember();
  }
}

/**
 * Writes the members of an archive made by sources.ts, by Docker's rules for COPY: the content of a directory goes into
 * the destination, and so does a file if the destination is a directory; otherwise the file gets its name.
 */
class CopyTarget implements TarSink {
  lostOwners = 0;
  readonly #root: number;
  readonly #destination: Destination;
  #directory: CopySink | undefined;
  #file: CopySink | undefined;
  #current: CopySink | undefined;

  constructor(root: number, destination: Destination) {
    this.#root = root;
    this.#destination = destination;
  }

  member(member: Member): void {
    const { path, isDirectory } = this.#destination;
    const isTop = nameComponents(member.name).length === 0;
    if (this.#directory === undefined && (isTop || isDirectory || isExistingDirectory(this.#root, path))) {
      const mode = isTop ? member.mode : 0o755;
      makeDirectories(this.#root, path, { uid: member.uid, gid: member.gid }, mode);
      this.#directory = this.#open(path);
    }
    if (this.#directory !== undefined) {
      this.#current = this.#directory;
      if (isTop) this.#current = undefined;
      else this.#current.member(member);
      return;
    }
    const parent = posix.dirname(path);
    makeDirectories(this.#root, parent, { uid: member.uid, gid: member.gid }, 0o755);
    this.#file ??= this.#open(parent);
    this.#current = this.#file;
    this.#current.member({ ...member, name: Buffer.from(posix.basename(path)).toString('latin1') });
  }

  data(piece: Buffer): void {
    this.#current?.data(piece);
  }

  hole(size: number): void {
    this.#current?.hole(size);
  }

  endOfMember(): void {
    this.#current?.endOfMember();
  }

  finish(): void {
    for (const sink of [this.#directory, this.#file]) {
      sink?.finish();
      sink?.close();
      this.lostOwners += sink?.lostOwners ?? 0;
    }
  }

  #open(path: string): CopySink {
    return new CopySink(copyPath(containerSide(this.#root), path), SINK);
  }
}

function isExistingDirectory(root: number, path: string): boolean {
  try {
    closeSync(openInRoot(root, path, O_PATH | constants.O_DIRECTORY));
    return true;
  } catch {
    return false;
  }
}

/** Creates a directory and its missing parents; links are followed within the tree. */
function makeDirectories(root: number, path: string, owner: Owner, mode: number): void {
  const parts = path.split('/').filter(Boolean);
  let parent = '/';
  for (const [index, name] of parts.entries()) {
    withOpen(openInRoot(root, parent, O_PATH | constants.O_DIRECTORY), (directory) => {
      const place = `/proc/self/fd/${directory}/${name}`;
      try {
        mkdirSync(place, index === parts.length - 1 ? mode : 0o755);
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return;
        throw error;
      }
      const made = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        fchownSync(made, owner.uid, owner.gid);
      } catch (error) {
        if (!['EINVAL', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
      } finally {
        closeSync(made);
      }
    });
    parent = `${parent}${name}/`;
  }
  try {
    closeSync(openInRoot(root, path, O_PATH | constants.O_DIRECTORY));
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new FosterError(`cannot use ${path} in the image as a directory: it is not one`);
  }
}
