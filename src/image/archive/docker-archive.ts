import { posix } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { compressionOf } from '../../tar/compression.js';
import { readConfig } from '../store/documents.js';
import { type Descriptor, type Manifest, MEDIA } from '../store/oci.js';
import { formatReference, parseReference } from '../store/reference.js';
import { type Staged, stagedBytes, stagedStart } from '../store/staging.js';
import { type ArchivedImage, checkedBytes, manifestBytes } from './archived-image.js';
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
export async function readDockerArchive(staged: Staged, files: ArchiveFiles): Promise<ArchivedImage[]> {
  const entries = parseEntries(stagedBytes(staged, 'its manifest.json'));
  const images: ArchivedImage[] = [];
  for (const entry of entries) images.push(await readImage(entry, files));
  return images;
}

async function readImage(entry: DockerEntry, files: ArchiveFiles): Promise<ArchivedImage> {
  const names = (entry.RepoTags ?? []).map((name) => formatReference(parseReference(name)));
  const configFile = await fileOf(files, entry.Config);
  const config = { descriptor: descriptorOf(configFile, MEDIA.config), staged: configFile };
  const layers: ArchivedImage['blobs'] = [];
  for (const name of entry.Layers) {
    const layer = await fileOf(files, name);
    layers.push({
      descriptor: descriptorOf(layer, LAYER_TYPES[compressionOf(stagedStart(layer))]),
      staged: layer,
    });
  }
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  };
  const title = names[0] ?? entry.Config;
  return {
    names,
    manifest: { document, mediaType: MEDIA.manifest, bytes: manifestBytes(document) },
    config: readConfig(checkedBytes(configFile, `the config of ${title}`), document, title),
    blobs: [config, ...layers],
  };
}

const LAYER_TYPES = { none: MEDIA.layer, gzip: MEDIA.layerGzip, zstd: MEDIA.layerZstd } as const;

async function fileOf(files: ArchiveFiles, name: string): Promise<Staged> {
  const staged = await files.find(posix.normalize(name));
  if (staged === undefined)
    throw new FosterError(`it lacks the file ${JSON.stringify(name)} that its manifest names`);
  return staged;
}

function descriptorOf({ digest, size }: Staged, mediaType: string): Descriptor {
  return { mediaType, digest, size };
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
