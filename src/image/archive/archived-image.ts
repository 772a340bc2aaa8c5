import { FosterError } from '../../sys/errors.js';
import { digestOf } from '../store/blobs.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { type Staged, stagedBytes } from '../store/staging.js';
import type { ArchiveFiles } from './files.js';

/** An image of an archive, all of whose files have been put aside. */
export interface ArchivedImage {
  /** Whole names. */
  names: string[];
  manifest: { document: Manifest; mediaType: string; bytes: Uint8Array };
  config: ImageConfig;
  /** Config and layers, with the files that they are. */
  blobs: { descriptor: Descriptor; staged: Staged }[];
}

export interface LoadOptions {
  /** Of an index of several platforms; the machine's own by default. */
  platform?: string | undefined;
}

/**
 * The file that a descriptor of an archive means, its digest and size checked.
 * @throws FosterError where it is not there or is something else
 */
export async function stagedBlob(
  files: ArchiveFiles,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): Promise<Staged> {
  const staged = await files.find(`blobs/sha256/${digest.replace('sha256:', '')}`);
  if (staged === undefined) throw new FosterError(`it lacks ${digest}`);
  if (staged.digest !== digest) {
    throw new FosterError(`what it has as ${digest} is something else: its digest is ${staged.digest}`, {
      advice: 'nothing of it was kept',
    });
  }
  if (staged.size !== size) {
    throw new FosterError(`${digest} has ${staged.size} bytes instead of ${size}`);
  }
  return staged;
}

/** A manifest that foster makes, since the archive has none. */
export function manifestBytes(document: Manifest): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function checkedBytes(staged: Staged, what: string): Buffer {
  const bytes = stagedBytes(staged, what);
  if (digestOf(bytes) !== staged.digest) throw new FosterError(`${what} was changed meanwhile`);
  return bytes;
}
