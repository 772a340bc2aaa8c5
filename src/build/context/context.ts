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
import { copyPath, HOST } from '../../container/copy/paths.js';
import { CopySink } from '../../container/copy/sink.js';
import { incomingFolder } from '../../image/store/staging.js';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openInRoot } from '../../sys/libc.js';
import { surroundings } from '../../sys/surroundings.js';
import { archiveCompressionOf } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';
import { peek } from '../../tar/peek.js';
import { TarReader } from '../../tar/reader.js';
import { TAR_END } from '../../tar/writer.js';
import { onInterrupt } from '../../worker/interrupt.js';
import { removeTrees } from '../../worker/remove-trees.js';
import { isTarHeader } from './archive-compression.js';
import { IgnoreRules } from './patterns.js';
import { type FindOptions, findSources, openSource, type Source, sourceTar } from './sources.js';

/** The source of files for a build. */
export interface Context {
  /** Absolute path; undefined if a Dockerfile on standard input has no context. */
  folder: string | undefined;
  /** The text of the Dockerfile, and its name in errors. */
  text: string;
  name: string;
  /** Whether -f named a Dockerfile in the working directory, instead of one in the context. */
  isOfCaller?: boolean;
  /** Removes temporary files. */
  discard?: () => void;
}

const NAMES = ['Containerfile', 'Dockerfile'];
const MAX_DOCKERFILE = 1024 * 1024;

/**
 * Finds context and Dockerfile like Docker: CONTEXT is a directory, or `-` for a tar archive or a Dockerfile on
 * standard input; the Dockerfile is in the context, or is given by -f as a path, or `-` for standard input.
 * @throws FosterError
 */
export async function openContext(context: string, file: string | undefined): Promise<Context> {
  if (context === '-' && file === '-')
    throw invalid('the context and the Dockerfile cannot both come from standard input');
  if (context === '-') return await fromStandardInput(file);
  if (/^(https?:\/\/|git:|git@|github\.com\/)/.test(context)) {
    throw invalid(`cannot build from ${context}: expected a directory or -`, 'download or clone it first');
  }
  const folder = resolve(context);
  let isDirectory: boolean;
  try {
    isDirectory = statSync(folder).isDirectory();
  } catch (error) {
    throw unreadable(context, error);
  }
  if (!isDirectory)
    throw invalid(`cannot build from ${context}: it is not a directory`, 'use -f for a Dockerfile');
  if (file === '-') {
    const text = await textOfInput();
    return { folder, text, name: 'Dockerfile' };
  }
  return { folder, ...readDockerfile(folder, file) };
}

function readDockerfile(
  folder: string,
  file: string | undefined,
): Pick<Context, 'text' | 'name' | 'isOfCaller'> {
  // like Docker: first in the working directory, then in the context
  const ofCaller = file === undefined ? undefined : readSmall(file, () => openSync(resolve(file), READ));
  if (file !== undefined && ofCaller !== undefined) return { text: ofCaller, name: file, isOfCaller: true };
  for (const name of file === undefined ? NAMES : [file]) {
    const text = readSmall(name, () => openOfContext(folder, name));
    if (text !== undefined) return { text, name };
  }
  const what = file ?? `${NAMES.join(' or ')} in ${folder}`;
  throw invalid(`cannot find ${what}`, 'use -f to name another file');
}

/** Does not wait for a writer if the file is a pipe. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens a file of the context, which is not trusted: no link leads out of it. */
function openOfContext(folder: string, name: string): number {
  const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return openInRoot(root, name, READ);
  } finally {
    closeSync(root);
  }
}

/** The text of a regular file; undefined if there is none. */
function readSmall(name: string, open: () => number): string | undefined {
  let fd: number | undefined;
  try {
    fd = open();
    const info = fstatSync(fd);
    if (!info.isFile()) return undefined;
    if (info.size > MAX_DOCKERFILE) throw invalid(`${name} is too large: over 1 MiB`);
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
  if (start.length === 0) throw invalid('standard input is empty', 'expected a tar archive or a Dockerfile');
  if (!looksLikeArchive(start)) {
    if (file !== undefined)
      throw invalid('-f needs a context, but standard input is a Dockerfile', 'give a directory, or omit -f');
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

/** Whether it starts with the magic number of a tar header or a compression format. */
function looksLikeArchive(start: Buffer): boolean {
  if (isTarHeader(start)) return true;
  return archiveCompressionOf(start) !== 'none';
}

/** A new folder of the caller's alone. After a SIGKILL, the next garbage collection removes it. */
export function temporaryFolder(): { folder: string; discard: () => void } {
  mkdirSync(incomingFolder(), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(incomingFolder(), `${process.pid}-`));
  const remove = () => {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      removeTrees([folder], defaultIdMaps()); // a directory of an archive may forbid it even its owner
    }
  };
  const stopListening = onInterrupt(remove, { last: true });
  return {
    folder,
    discard() {
      stopListening();
      remove();
    },
  };
}

/** Unpacks with all files owned by the caller: their copies belong to root anyway. */
async function unpackInto(folder: string, archive: AsyncIterable<Buffer>): Promise<void> {
  const sink = new CopySink(copyPath(HOST, `${folder}/`), {
    isStream: true,
    keepOwners: false,
    keepSetIds: false,
  });
  const reader = new TarReader(sink);
  try {
    for await (const piece of decompress(Readable.from(archive))) reader.push(piece);
    reader.end();
    sink.finish();
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw invalid(`cannot unpack the archive on standard input: ${error.message}`, error.advice);
  } finally {
    sink.close();
  }
}

const O_PATH = 0o10000000;

interface ArchiveOptions {
  excludes?: IgnoreRules | undefined;
  timestamp?: number;
}

/** The files of a context, without those that its ignore file excludes. */
export class ContextFiles {
  readonly #root: number | undefined;
  readonly #rules: IgnoreRules;

  /**
   * @param name of the Dockerfile; without one, there is no ignore file
   * @param ignoreFile path on the host of the file to read instead of those that belong to the context or the Dockerfile
   */
  constructor(
    { folder, name, isOfCaller = false }: Pick<Context, 'folder' | 'isOfCaller'> & { name?: string },
    ignoreFile?: string | undefined,
  ) {
    this.#root = folder === undefined ? undefined : openSync(folder, O_PATH | constants.O_DIRECTORY);
    this.#rules = new IgnoreRules(
      ignoreFile !== undefined
        ? ignoreFileOfCaller(ignoreFile)
        : folder === undefined || name === undefined
          ? ''
          : readIgnoreFile(folder, name, isOfCaller),
    );
  }

  close(): void {
    if (this.#root !== undefined) closeSync(this.#root);
  }

  /** @throws FosterError if one of them is not found */
  find(wanted: string[], options: Omit<FindOptions, 'isIgnored'> = {}): Source[] {
    return wanted.flatMap((each) => {
      if (this.#root === undefined)
        throw new FosterError(`cannot copy ${each}: there is no context`, {
          advice: 'give a directory instead of -',
        });
      return findSources(this.#top, each, { ...options, isIgnored: (name) => this.#rules.ignores(name) });
    });
  }

  /** Opens a source for reading; undefined if it is not a regular file. @throws FosterError */
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

  /** The sources as one archive, in which everything belongs to root. */
  *archive(sources: Source[], { excludes, timestamp }: ArchiveOptions = {}): Generator<Buffer> {
    const options = {
      owner: { uid: 0, gid: 0 },
      timestamp,
      skips: (name: string) => this.#rules.ignores(name),
      prunes: (name: string) => this.#rules.ignoresAll(name),
    };
    for (const source of sources) yield* sourceTar(this.#top, source, options, excludes);
    yield TAR_END;
  }

  /** A digest of names, contents and modes, without modification times. */
  digest(sources: Source[], excludes?: IgnoreRules): string {
    const hash = createHash('sha256');
    for (const { parents = '' } of sources) hash.update(`${parents}\0`);
    for (const piece of this.archive(sources, { excludes, timestamp: 0 })) hash.update(piece);
    return hash.digest('hex');
  }
}

function ignoreFileOfCaller(path: string): string {
  const text = readSmall(path, () => openSync(resolve(path), READ));
  if (text === undefined) throw invalid(`--ignorefile: there is no file ${path}`);
  return text;
}

/** The file beside the Dockerfile, wherever that was found, or else one of the context. */
function readIgnoreFile(folder: string, dockerfile: string, isOfCaller: boolean): string {
  const beside = `${dockerfile}.dockerignore`;
  for (const name of [beside, '.containerignore', '.dockerignore']) {
    const text = readSmall(name, () =>
      isOfCaller && name === beside ? openSync(resolve(name), READ) : openOfContext(folder, name),
    );
    if (text !== undefined) return text;
  }
  return '';
}

function invalid(message: string, advice?: string): FosterError {
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
