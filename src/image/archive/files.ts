import { createReadStream, openSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { decompress } from '../../tar/decompress.js';
import { MAX_LINKS, type Member, quotedName } from '../../tar/member.js';
import { TarReader, type TarSink } from '../../tar/reader.js';
import type { Staged, Staging } from '../store/staging.js';

/** The files of an image archive by their names in it, `blobs/sha256/HEX` or `manifest.json`. */
export interface ArchiveFiles {
  /** Undefined where there is none of that name. @throws FosterError */
  find(name: string): Promise<Staged | undefined>;
}

const PIECE = 1024 * 1024;
/** An image has a few hundred layers at most, and Docker writes a few files for each. */
const MAX_FILES = 100_000;

/**
 * Stages all files of a tar archive, which may be compressed by gzip or zstd.
 * @throws FosterError
 */
export async function readArchive(input: Readable, staging: Staging): Promise<ArchiveFiles> {
  const sink = new StagingSink(staging);
  const reader = new TarReader(sink);
  for await (const piece of decompress(input)) reader.push(piece);
  reader.end();
  return { find: (name) => Promise.resolve(sink.find(name)) };
}

class StagingSink implements TarSink {
  readonly #files = new Map<string, Staged>();
  /** Docker writes a layer that several images share as symbolic links to the first. */
  readonly #links = new Map<string, string>();
  #name = '';

  constructor(readonly staging: Staging) {}

  member({ name, type, target }: Member): void {
    this.#name = '';
    const path = normalized(name);
    if (this.#files.size + this.#links.size > MAX_FILES) {
      throw new FosterError(`the archive has more than ${MAX_FILES} files`);
    }
    switch (type) {
      case 'file':
        this.staging.begin();
        this.#name = path;
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

  data(piece: Buffer): void {
    this.staging.write(piece);
  }

  endOfMember(): void {
    if (this.#name !== '') this.#files.set(this.#name, this.staging.finish());
    this.#name = '';
  }

  find(name: string): Staged | undefined {
    let path = normalized(name);
    for (let links = 0; links < MAX_LINKS; links++) {
      const target = this.#files.has(path) ? undefined : this.#links.get(path);
      if (target === undefined) return this.#files.get(path);
      path = target;
    }
    return undefined;
  }
}

/** No files are created under these names, so `..` does no harm. */
function normalized(name: string): string {
  return posix.normalize(name).replace(/^(\.?\/)+/, '');
}

/** The files of a directory, staged on demand. */
export function directoryFiles(directory: string, staging: Staging): ArchiveFiles {
  const known = new Map<string, Staged | undefined>();
  return {
    async find(name) {
      if (!known.has(name)) known.set(name, await stageFile(directory, name, staging));
      return known.get(name);
    },
  };
}

async function stageFile(directory: string, name: string, staging: Staging): Promise<Staged | undefined> {
  if (name.split('/').includes('..')) return undefined;
  let fd: number;
  try {
    fd = openSync(join(directory, name), 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  staging.begin();
  for await (const piece of createReadStream('', { fd, highWaterMark: PIECE }))
    staging.write(piece as Buffer);
  return staging.finish();
}
