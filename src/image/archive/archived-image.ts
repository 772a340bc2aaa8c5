import { FosterError } from '../../sys/errors.js';
import { digestOf } from '../store/blobs.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { type Staged, stagedBytes } from '../store/staging.js';
import type { ArchiveFiles } from './files.js';

/** An image of an archive, whose files are all staged. */
export interface ArchivedImage {
  /** Full names. */
  names: string[];
  manifest: { document: Manifest; mediaType: string; bytes: Uint8Array };
  config: ImageConfig;
  /** Config and layers, with their files. */
  blobs: { descriptor: Descriptor; staged: Staged }[];
}

export interface LoadOptions {
  /** The platform to choose from an index; this machine's by default. */
  platform?: string | undefined;
}

/**
 * The file of a descriptor; its digest and size are verified.
 * @throws FosterError if it is missing or different
 */
export async function stagedBlob(
  files: ArchiveFiles,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): Promise<Staged> {
  const staged = await files.find(`blobs/sha256/${digest.replace('sha256:', '')}`);
  if (staged === undefined) throw new FosterError(`it lacks ${digest}`);
  if (staged.digest !== digest) {
    throw new FosterError(`its file for ${digest} has the digest ${staged.digest}`, {
      advice: 'nothing was kept',
    });
  }
  if (staged.size !== size) {
    throw new FosterError(`${digest} has ${staged.size} bytes instead of ${size}`);
  }
  return staged;
}

/** The bytes of a manifest that foster makes because the archive has none. */
export function manifestBytes(document: Manifest): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function checkedBytes(staged: Staged, what: string): Buffer {
  const bytes = stagedBytes(staged, what);
  if (digestOf(bytes) !== staged.digest) throw new FosterError(`${what} changed while it was read`);
  return bytes;
}
