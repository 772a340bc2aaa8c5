import { quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { digestOf, MAX_DOCUMENT } from '../store/blobs.js';
import type { Descriptor, ImageConfig, Manifest } from '../store/oci.js';
import { familiarName, formatReference, parseReference } from '../store/reference.js';
import type { ArchiveFile } from './archive-file.js';
import type { ArchiveFiles } from './files.js';

/** An image of an archive. */
export interface ArchivedImage {
  /** Full names. */
  names: string[];
  manifest: { document: Manifest; mediaType: string; bytes: Uint8Array };
  config: ImageConfig;
  /** Config and layers, with their files, whose digests are not verified yet. */
  blobs: ArchivedBlob[];
}

export interface ArchivedBlob {
  descriptor: Descriptor;
  file: ArchiveFile;
}

export interface LoadOptions {
  /** The platform to choose from an index; this machine's by default. */
  platform?: string | undefined;
}

/**
 * The file of a descriptor; its size is verified.
 * @throws FosterError if it is missing or different
 */
export function fileOf(
  files: ArchiveFiles,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): ArchiveFile {
  const file = files.find(`blobs/sha256/${digest.replace('sha256:', '')}`);
  if (file === undefined) throw new FosterError(`it lacks ${digest}`);
  if (file.size !== size) throw new FosterError(`${digest} has ${file.size} bytes instead of ${size}`);
  return file;
}

/** As `fileOf`, the content of a document; its digest is verified. */
export function documentOf(files: ArchiveFiles, descriptor: Pick<Descriptor, 'digest' | 'size'>): Buffer {
  const bytes = bytesOf(fileOf(files, descriptor), descriptor.digest);
  checkDigest(descriptor.digest, digestOf(bytes));
  return bytes;
}

/** The content of a small file. @throws FosterError if it is too large for a document */
export function bytesOf(file: ArchiveFile, what: string): Buffer {
  if (file.size > MAX_DOCUMENT)
    throw new FosterError(`${what} is too large for a document: ${file.size} bytes`);
  return file.readStart(file.size);
}

/** @throws FosterError if a file has another digest than its image says */
export function checkDigest(expected: string, found: string): void {
  if (found === expected) return;
  throw new FosterError(`its file for ${expected} has the digest ${found}`, { advice: 'nothing was kept' });
}

/**
 * The full name for an image that an archive calls `text`. Whoever runs NAME@DIGEST relies on getting what has that
 * digest, so an archive cannot give such a name to anything else.
 * @param digests those of the image's manifest, and of the indexes that led to it
 * @throws FosterError
 */
export function nameFor(text: string, digests: readonly string[]): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined && !digests.includes(reference.digest))
    throw new FosterError(
      `it names an image ${quoted(text)}, but nothing in it shows that the image has that digest`,
      { kind: 'invalid', advice: 'save it by its tag' },
    );
  if (familiarName(reference) === 'sha256')
    throw new FosterError(`it names an image ${quoted(text)}, which looks like an ID`, {
      kind: 'invalid',
      advice: 'save it under another name',
    });
  return formatReference(reference);
}

/** The bytes of a manifest that foster makes because the archive has none. */
export function manifestBytes(document: Manifest): Buffer {
  return Buffer.from(JSON.stringify(document));
}
