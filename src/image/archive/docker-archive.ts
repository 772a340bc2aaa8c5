import { posix } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { compressionOf, MAGIC_SIZE } from '../../tar/compression.js';
import { digestOf, parseDocument } from '../store/blobs.js';
import { readConfig } from '../store/documents.js';
import { type ImageConfig, type Manifest, MEDIA } from '../store/oci.js';
import type { ArchiveFile } from './archive-file.js';
import { type ArchivedBlob, type ArchivedImage, bytesOf, manifestBytes, nameFor } from './archived-image.js';
import type { ArchiveFiles } from './files.js';

/** An image in the `manifest.json` that `docker save` writes, with the names of its files. */
export interface DockerEntry {
  Config: string;
  RepoTags: string[] | null;
  /** Bottommost first. */
  Layers: string[];
}

const MAX_IMAGES = 1000;
const MAX_LAYERS = 1000;

/**
 * Reads a docker-archive, its layers compressed or not.
 * @throws FosterError
 */
export async function readDockerArchive(
  manifest: ArchiveFile,
  files: ArchiveFiles,
): Promise<ArchivedImage[]> {
  const entries = parseEntries(bytesOf(manifest, 'its manifest.json'));
  const images: ArchivedImage[] = [];
  for (const entry of entries) images.push(await readImage(entry, files));
  return images;
}

async function readImage(entry: DockerEntry, files: ArchiveFiles): Promise<ArchivedImage> {
  // its manifest is made here, so that no digest is known to whoever named it
  const names = (entry.RepoTags ?? []).map((name) => nameFor(name, []));
  const title = names[0] ?? entry.Config;
  const configFile = fileOf(files, entry.Config);
  const bytes = bytesOf(configFile, `the config of ${title}`);
  const config: ArchivedBlob = {
    descriptor: { mediaType: MEDIA.config, digest: digestOf(bytes), size: bytes.length },
    file: configFile,
  };
  const diffIDs: unknown = parseDocument<ImageConfig>(bytes, `the config of ${title}`).rootfs?.diff_ids;
  const layers: ArchivedBlob[] = [];
  for (const [index, name] of entry.Layers.entries()) {
    const diffID: unknown = Array.isArray(diffIDs) ? diffIDs[index] : undefined;
    layers.push(await layerOf(fileOf(files, name), diffID));
  }
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return {
    names,
    manifest: { document, mediaType: MEDIA.manifest, bytes: manifestBytes(document) },
    config: readConfig(bytes, document, title),
    blobs: [config, ...layers],
  };
}

const LAYER_TYPES = { none: MEDIA.layer, gzip: MEDIA.layerGzip, zstd: MEDIA.layerZstd } as const;

/** An uncompressed layer has the digest that the config says, which is verified later. Otherwise it has to be read for it. */
async function layerOf(file: ArchiveFile, diffID: unknown): Promise<ArchivedBlob> {
  const compression = compressionOf(file.readStart(MAGIC_SIZE));
  const isKnown =
    compression === 'none' && typeof diffID === 'string' && /^sha256:[0-9a-f]{64}$/.test(diffID);
  const digest = isKnown ? diffID : (await file.stage()).digest;
  return { descriptor: { mediaType: LAYER_TYPES[compression], digest, size: file.size }, file };
}

function fileOf(files: ArchiveFiles, name: string): ArchiveFile {
  const file = files.find(posix.normalize(name));
  if (file === undefined)
    throw new FosterError(`it lacks the file ${JSON.stringify(name)} that its manifest names`);
  return file;
}

function parseEntries(bytes: Buffer): DockerEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new FosterError('its manifest.json is not JSON', { cause: error });
  }
  if (!Array.isArray(value) || value.length > MAX_IMAGES || !value.every(isEntry)) {
    throw new FosterError('its manifest.json is not a list of images');
  }
  if (value.length === 0) throw new FosterError('it contains no image');
  return value;
}

function isEntry(value: unknown): value is DockerEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { Config, RepoTags, Layers } = value as Record<string, unknown>;
  const isTextList = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'string');
  return (
    typeof Config === 'string' &&
    (RepoTags === null || RepoTags === undefined || isTextList(RepoTags)) &&
    isTextList(Layers) &&
    (Layers as string[]).length <= MAX_LAYERS
  );
}
