import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { copyPath, HOST } from '../../container/copy/place.js';
import { CopySink } from '../../container/copy/sink.js';
import { incomingFolder } from '../../image/store/staging.js';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openInRoot } from '../../sys/libc.js';
import { surroundings } from '../../sys/surroundings.js';
import { archiveCompressionOf } from '../../tar/compression.js';
import { decompressed } from '../../tar/decompress.js';
import { peek } from '../../tar/peek.js';
import { TarReader } from '../../tar/reader.js';
import { TAR_END } from '../../tar/writer.js';
import { onInterrupt } from '../../worker/interrupt.js';
import { isTarHeader } from './archive-kind.js';
import { IgnoreRules } from './patterns.js';
import { type FindOptions, findSources, openSource, type Source, sourceTar } from './sources.js';

/** What a build may take files from. */
export interface Context {
  /** Absolute path; undefined where there is none: a Dockerfile on standard input. */
  folder: string | undefined;
  /** Of the Dockerfile, and what it is called in errors. */
  text: string;
  name: string;
  /** Removes what was made for it. */
  discard?: () => void;
}

const NAMES = ['Containerfile', 'Dockerfile'];
const MAX_DOCKERFILE = 1024 * 1024;

/**
 * Finds context and Dockerfile as Docker does: CONTEXT is a directory, or `-` for a tar archive or a Dockerfile on
 * standard input; the Dockerfile is in the context, or what -f says: a path, or `-` for standard input.
 * @throws FosterError
 */
export async function openContext(context: string, file: string | undefined): Promise<Context> {
  if (context === '-' && file === '-')
    throw refused('the context and the Dockerfile cannot both come from standard input');
  if (context === '-') return await fromStandardInput(file);
  if (/^(https?:\/\/|git:|git@|github\.com\/)/.test(context)) {
    throw refused(
      `cannot build from ${context}: foster takes a directory or -`,
      'download or clone it first',
    );
  }
  const folder = resolve(context);
  let isDirectory: boolean;
  try {
    isDirectory = statSync(folder).isDirectory();
  } catch (error) {
    throw unreadable(context, error);
  }
  if (!isDirectory)
    throw refused(`cannot build from ${context}: it is not a directory`, 'to give a Dockerfile use -f');
  if (file === '-') {
    const text = await textOfInput();
    return { folder, text, name: 'Dockerfile' };
  }
  return { folder, ...readDockerfile(folder, file) };
}

function readDockerfile(folder: string, file: string | undefined): { text: string; name: string } {
  // as Docker: from where the caller stands, else in the context
  const ofCaller = file === undefined ? undefined : readSmall(file, () => openSync(resolve(file), READ));
  if (file !== undefined && ofCaller !== undefined) return { text: ofCaller, name: file };
  for (const name of file === undefined ? NAMES : [file]) {
    const text = readSmall(name, () => openOfContext(folder, name));
    if (text !== undefined) return { text, name };
  }
  const what = file ?? `${NAMES.join(' or ')} in ${folder}`;
  throw refused(`there is no ${what}`, 'name it with -f');
}

/** Nobody is waited for who might write to a pipe. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file of the context, which may be anybody's: no link leads out of it. */
function openOfContext(folder: string, name: string): number {
  const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return openInRoot(root, name, READ);
  } finally {
    closeSync(root);
  }
}

/** The text of a regular file; undefined where there is none. */
function readSmall(name: string, open: () => number): string | undefined {
  let fd: number | undefined;
  try {
    fd = open();
    const info = fstatSync(fd);
    if (!info.isFile()) return undefined;
    if (info.size > MAX_DOCKERFILE) throw refused(`${name} is too large: over 1 MiB`);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    const code = errnoOfAny(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENXIO') return undefined;
    throw unreadable(name, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function fromStandardInput(file: string | undefined): Promise<Context> {
  const input = standardInput();
  const { start, all } = await peek(input[Symbol.asyncIterator]() as AsyncIterator<Buffer>, 512);
  if (start.length === 0) throw refused('standard input is empty', 'expected a tar archive or a Dockerfile');
  if (!looksLikeArchive(start)) {
    if (file !== undefined)
      throw refused(
        '-f needs a context: standard input is a Dockerfile',
        'give a directory, or leave -f out',
      );
    const { start: text } = await peek(all, start.length + MAX_DOCKERFILE);
    return { folder: undefined, text: text.toString('utf8'), name: 'Dockerfile' };
  }
  const { folder, discard } = temporaryFolder();
  try {
    await unpackInto(folder, all);
    return { folder, ...readDockerfile(folder, file), discard };
  } catch (error) {
    discard();
    throw error;
  }
}

function standardInput(): Readable {
  const { input } = surroundings();
  return input === undefined || input.isTTY ? Readable.from([]) : input;
}

async function textOfInput(): Promise<string> {
  const pieces = standardInput()[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return (await peek(pieces, MAX_DOCKERFILE)).start.toString('utf8');
}

/** A tar header's magic, or that of a compression. */
function looksLikeArchive(start: Buffer): boolean {
  if (isTarHeader(start)) return true;
  return archiveCompressionOf(start) !== 'none';
}

/** After a SIGKILL it goes with the next collection of what is not used. */
function temporaryFolder(): { folder: string; discard: () => void } {
  mkdirSync(incomingFolder(), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(incomingFolder(), `${process.pid}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const takeBack = onInterrupt(remove, { last: true });
  return {
    folder,
    discard() {
      takeBack();
      remove();
    },
  };
}

/** Everything belongs to the caller: what COPY makes of it belongs to root anyway. */
async function unpackInto(folder: string, archive: AsyncIterable<Buffer>): Promise<void> {
  const sink = new CopySink(copyPath(HOST, `${folder}/`), {
    isStream: true,
    keepOwners: false,
    keepSetIds: false,
  });
  const reader = new TarReader(sink);
  try {
    for await (const piece of decompressed(Readable.from(archive))) reader.push(piece);
    reader.end();
    sink.finish();
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw refused(`the archive on standard input cannot be unpacked: ${error.message}`, error.advice);
  } finally {
    sink.close();
  }
}

const O_PATH = 0o10000000;

interface ArchiveOptions {
  excludes?: IgnoreRules | undefined;
  timestamp?: number;
}

/** The files of a context, without those that its ignore file leaves out. */
export class ContextFiles {
  readonly #root: number | undefined;
  readonly #rules: IgnoreRules;

  constructor({ folder, name }: Pick<Context, 'folder' | 'name'>) {
    this.#root = folder === undefined ? undefined : openSync(folder, O_PATH | constants.O_DIRECTORY);
    this.#rules = new IgnoreRules(folder === undefined ? '' : readIgnoreFile(folder, name));
  }

  close(): void {
    if (this.#root !== undefined) closeSync(this.#root);
  }

  /** @throws FosterError where one of them means nothing */
  find(wanted: string[], options: Omit<FindOptions, 'isLeftOut'> = {}): Source[] {
    return wanted.flatMap((each) => {
      if (this.#root === undefined)
        throw new FosterError(`${each}: there is no context to copy it from`, {
          advice: 'give a directory instead of -',
        });
      return findSources(this.#top, each, { ...options, isLeftOut: (name) => this.#rules.ignores(name) });
    });
  }

  /** Opens a source that is a regular file to be read; undefined where it is none. @throws FosterError */
  open(source: Source): number | undefined {
    const fd = openSource(this.#top, source, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    return undefined;
  }

  get #top(): number {
    if (this.#root === undefined) throw new Error('there is no context');
    return this.#root;
  }

  /** The sources as one archive, everything root's. */
  *archive(sources: Source[], { excludes, timestamp }: ArchiveOptions = {}): Generator<Buffer> {
    const options = {
      owner: { uid: 0, gid: 0 },
      timestamp,
      leavesOut: (name: string) => this.#rules.ignores(name),
      passesOver: (name: string) => this.#rules.ignoresAll(name),
    };
    for (const source of sources) yield* sourceTar(this.#top, source, options, excludes);
    yield TAR_END;
  }

  /** Of names, contents and modes; when a file was changed does not count. */
  digest(sources: Source[], excludes?: IgnoreRules): string {
    const hash = createHash('sha256');
    for (const { parents = '' } of sources) hash.update(`${parents}\0`);
    for (const piece of this.archive(sources, { excludes, timestamp: 0 })) hash.update(piece);
    return hash.digest('hex');
  }
}

function readIgnoreFile(folder: string, dockerfile: string): string {
  const beside = `${dockerfile}.dockerignore`;
  const ofCaller = readSmall(beside, () => openSync(resolve(beside), READ));
  if (ofCaller !== undefined) return ofCaller;
  for (const name of [beside, '.containerignore', '.dockerignore']) {
    const text = readSmall(name, () => openOfContext(folder, name));
    if (text !== undefined) return text;
  }
  return '';
}

function refused(message: string, advice?: string): FosterError {
  return new FosterError(message, { exitCode: 1, ...(advice === undefined ? {} : { advice }) });
}

function unreadable(path: string, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (error instanceof FosterError || code === undefined) return error;
  return new FosterError(`cannot read ${path}: ${errnoWords(errnoNumber(code))}`, {
    exitCode: 1,
    cause: error,
  });
}
