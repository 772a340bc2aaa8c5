import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join, posix } from 'node:path';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';
import { BLOCK } from '../../tar/header.js';
import { MAX_LINKS, type Member, quotedName } from '../../tar/member.js';
import { TarReader, type TarSink } from '../../tar/reader.js';
import type { Staging } from '../store/staging.js';
import { type ArchiveFile, PartOfFile, StagedFile } from './archive-file.js';
import { withStream } from './input.js';

/** The files of an image archive by their names in it, `blobs/sha256/HEX` or `manifest.json`. */
export interface ArchiveFiles {
  /** Undefined where there is none of that name. @throws FosterError */
  find(name: string): ArchiveFile | undefined;
}

/** An image has a few hundred layers at most, and Docker writes a few files for each. */
const MAX_FILES = 100_000;

/**
 * The files of a tar archive, which may be compressed by gzip, zstd, xz or bzip2. Where they are can be found without reading
 * them only if it is an uncompressed file; otherwise all of them are staged.
 * @param fd descriptor of the archive; used until the files are no longer needed
 * @throws FosterError
 */
export async function readArchive(fd: number, staging: Staging): Promise<ArchiveFiles> {
  if (isPlainFile(fd)) return findFiles(fd, staging);
  const index = new StagingIndex(staging);
  const reader = new TarReader(index);
  await withStream(fd, async (input) => {
    for await (const piece of decompress(input)) reader.push(piece);
  });
  reader.end();
  return index;
}

function isPlainFile(fd: number): boolean {
  if (!fstatSync(fd).isFile()) return false;
  const start = Buffer.alloc(MAGIC_SIZE);
  try {
    return compressionOf(start.subarray(0, readSync(fd, start, 0, MAGIC_SIZE, 0))) === 'none';
  } catch {
    return false;
  }
}

/** Reads only the headers. */
function findFiles(fd: number, staging: Staging): ArchiveFiles {
  const { size } = fstatSync(fd);
  const index = new PositionIndex(fd, staging);
  const reader = new TarReader(index);
  const block = Buffer.alloc(BLOCK);
  for (;;) {
    const read = readSync(fd, block, 0, BLOCK, index.position);
    if (read === 0) break;
    index.position += read;
    reader.push(block.subarray(0, read));
    index.position += reader.skipData();
  }
  if (index.position > size) throw new FosterError('the tar archive is truncated');
  reader.end();
  return index;
}

/** The members of an archive by name. */
abstract class ArchiveIndex implements TarSink, ArchiveFiles {
  protected readonly files = new Map<string, ArchiveFile>();
  /** Docker writes a layer that several images share as symbolic links to the first. */
  readonly #links = new Map<string, string>();

  protected abstract begin(path: string, size: number): void;

  member({ name, type, target, size }: Member): void {
    const path = normalized(name);
    if (this.files.size + this.#links.size > MAX_FILES) {
      throw new FosterError(`the archive has more than ${MAX_FILES} files`);
    }
    switch (type) {
      case 'file':
        this.begin(path, size);
        return;
      case 'symlink':
        this.#links.set(path, posix.join(posix.dirname(path), target));
        return;
      case 'hardlink':
        this.#links.set(path, normalized(target));
        return;
      case 'directory':
        return;
      default:
        throw new FosterError(`the archive member ${quotedName(name)} is not a file, directory or link`);
    }
  }

  data(_piece: Buffer): void {}

  endOfMember(): void {}

  find(name: string): ArchiveFile | undefined {
    let path = normalized(name);
    for (let links = 0; links < MAX_LINKS; links++) {
      const target = this.files.has(path) ? undefined : this.#links.get(path);
      if (target === undefined) return this.files.get(path);
      path = target;
    }
    return undefined;
  }
}

/** Notes where the members are. */
class PositionIndex extends ArchiveIndex {
  /** Where the archive was read to; the data of a member begin where its header ends. */
  position = 0;

  constructor(
    readonly fd: number,
    readonly staging: Staging,
  ) {
    super();
  }

  protected override begin(path: string, size: number): void {
    this.files.set(path, new PartOfFile({ fd: this.fd, offset: this.position, size }, this.staging));
  }
}

/** Stages the members. */
class StagingIndex extends ArchiveIndex {
  #name: string | undefined;

  constructor(readonly staging: Staging) {
    super();
  }

  protected override begin(path: string): void {
    this.staging.begin();
    this.#name = path;
  }

  override data(piece: Buffer): void {
    this.staging.write(piece);
  }

  override endOfMember(): void {
    if (this.#name !== undefined) this.files.set(this.#name, new StagedFile(this.staging.finish()));
    this.#name = undefined;
  }
}

/** No files are created under these names, so `..` does no harm. */
function normalized(name: string): string {
  return posix.normalize(name).replace(/^(\.?\/)+/, '');
}

/** The files of a directory. `close` must be called in the end. */
export class DirectoryFiles implements ArchiveFiles {
  readonly #known = new Map<string, ArchiveFile | undefined>();
  readonly #open: number[] = [];

  constructor(
    readonly directory: string,
    readonly staging: Staging,
  ) {}

  find(name: string): ArchiveFile | undefined {
    if (!this.#known.has(name)) this.#known.set(name, this.#find(name));
    return this.#known.get(name);
  }

  #find(name: string): ArchiveFile | undefined {
    if (name.split('/').includes('..')) return undefined;
    try {
      const fd = openSync(join(this.directory, name), 'r');
      this.#open.push(fd);
      return new PartOfFile({ fd, offset: 0, size: fstatSync(fd).size }, this.staging);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  close(): void {
    for (const fd of this.#open) closeSync(fd);
  }
}
