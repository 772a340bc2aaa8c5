import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { type ManifestDocument, readConfig, readManifest } from '../store/documents.js';
import {
  type Descriptor,
  type ImageIndex,
  MANIFEST_TYPES,
  ownPlatform,
  type Platform,
} from '../store/oci.js';
import { parsePlatform, selectManifest } from '../store/platform.js';
import type { ArchiveFile } from './archive-file.js';
import {
  type ArchivedImage,
  bytesOf,
  documentOf,
  fileOf,
  type LoadOptions,
  nameFor,
} from './archived-image.js';
import type { ArchiveFiles } from './files.js';

/** Annotations of an index that name an image: containerd's is a full name, the OCI's may be only a tag. */
export const FULL_NAME = 'io.containerd.image.name';
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** How deeply indexes may be nested. */
const MAX_DEPTH = 3;

/**
 * Reads an OCI image layout: image-spec, "image-layout.md".
 * @throws FosterError
 */
export function readLayout(index: ArchiveFile, files: ArchiveFiles, options: LoadOptions): ArchivedImage[] {
  const content = readManifest(bytesOf(index, 'its index.json'), undefined, 'the archive');
  if (content.kind !== 'index') throw new FosterError('its index.json is not an index');
  const wanted = options.platform === undefined ? ownPlatform() : parsePlatform(options.platform);
  const images = new Map<string, ArchivedImage>();
  for (const entry of content.document.manifests) {
    const path = pathToManifest(entry, files, wanted);
    const descriptor = path.at(-1) ?? entry;
    const known = images.get(descriptor.digest);
    const digests = path.map(({ digest }) => digest);
    const names = namesOf(entry, content.document, digests);
    if (known === undefined) images.set(descriptor.digest, readImage(descriptor, names, files));
    else known.names = [...new Set([...known.names, ...names])];
  }
  if (images.size === 0) throw new FosterError('it contains no image');
  return [...images.values()];
}

/** The manifest, after the indexes that lead to the one for the platform. The digests of the indexes are verified. */
function pathToManifest(entry: Descriptor, files: ArchiveFiles, wanted: Platform): Descriptor[] {
  const path = [entry];
  let descriptor = entry;
  for (let depth = 0; !MANIFEST_TYPES.includes(descriptor.mediaType); depth++) {
    if (depth === MAX_DEPTH) throw new FosterError('it has too many nested indexes');
    const { kind, document } = readDocument(descriptor, files);
    if (kind !== 'index') break;
    descriptor = selectManifest(document, wanted, nameIn(entry) ?? 'the archive');
    path.push(descriptor);
  }
  return path;
}

function readDocument(descriptor: Descriptor, files: ArchiveFiles): ManifestDocument {
  return readManifest(documentOf(files, descriptor), descriptor.mediaType, descriptor.digest);
}

function readImage(descriptor: Descriptor, names: string[], files: ArchiveFiles): ArchivedImage {
  const bytes = documentOf(files, descriptor);
  const title = names[0] ?? descriptor.digest;
  const content = readManifest(bytes, descriptor.mediaType, title);
  if (content.kind !== 'manifest') throw new FosterError(`${title} is an index where a manifest should be`);
  const { document, mediaType } = content;
  const blobs = [document.config, ...document.layers].map((blob) => ({
    descriptor: blob,
    file: fileOf(files, blob),
  }));
  const config = readConfig(documentOf(files, document.config), document, title);
  return { names, manifest: { document, mediaType, bytes }, config, blobs };
}

function nameIn({ annotations }: Descriptor): string | undefined {
  return annotations?.[FULL_NAME] ?? annotations?.[REF_NAME];
}

/** A tag alone is not a name. An image whose name cannot be used is loaded without it. */
function namesOf(entry: Descriptor, index: ImageIndex, digests: readonly string[]): string[] {
  const text = nameIn(entry);
  const isTag = text === 'latest' || (text !== undefined && /^v?\d[\d.]*$/.test(text));
  if (text === undefined || isTag || index.manifests.length > 10_000) return [];
  try {
    return [nameFor(text, digests)];
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    surroundings().warn(`an image is loaded without its name: ${error.message}`);
    return [];
  }
}
